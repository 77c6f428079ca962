import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isRefused, formatMinorUnits, type Outcome } from '#kernel';
import { minorUnits } from './bank-statement.rule.js';
import { type CsvMapping, readBankCsv } from './bank-csv.reader.js';
import { readCamt053 } from './camt053.reader.js';

const amount = (value: string, ccy = 'EUR') => `<Amt Ccy="${ccy}">${value}</Amt>`;
const bal = (code: string, value: string, side = 'CRDT', ccy = 'EUR') =>
  `<Bal><Tp><CdOrPrtry><Cd>${code}</Cd></CdOrPrtry></Tp>${amount(value, ccy)}<CdtDbtInd>${side}</CdtDbtInd><Dt><Dt>2026-11-23</Dt></Dt></Bal>`;
const entry = (value: string, side: string, ref: string, more = '', status = '<Sts>BOOK</Sts>') =>
  `<Ntry>${amount(value)}<CdtDbtInd>${side}</CdtDbtInd>${status}<BookgDt><Dt>2026-11-23</Dt></BookgDt><AcctSvcrRef>${ref}</AcctSvcrRef>${more}</Ntry>`;
const camt = (body: string, version = '02') =>
  `<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.${version}"><BkToCstmrStmt><GrpHdr><MsgId>M1</MsgId></GrpHdr><Stmt><Id>S-17</Id><Acct><Id><IBAN>DE89 3704 0044 0532 0130 00</IBAN></Id><Ccy>EUR</Ccy></Acct>${body}</Stmt></BkToCstmrStmt></Document>`;
const got = <T>(outcome: Outcome<T>): T => {
  if (isRefused(outcome)) throw new Error(JSON.stringify(outcome.refusals));
  return outcome;
};
const code = (outcome: Outcome<unknown>) => (isRefused(outcome) ? outcome.first.code : 'taken');

describe('camt.053', () => {
  const payout = `<NtryDtls><TxDtls><Refs><EndToEndId>NOTPROVIDED</EndToEndId><TxId>po_123</TxId></Refs><RltdPties><Dbtr><Nm>Stripe &amp; Co</Nm></Dbtr></RltdPties><RmtInf><Ustrd>STRIPE po_123</Ustrd></RmtInf></TxDtls></NtryDtls>`;

  it('is read with its balances, references and the other side', () => {
    const [statement] = got(
      readCamt053(
        camt(
          bal('OPBD', '100.00') +
            bal('CLBD', '1099.50') +
            entry('1000', 'CRDT', 'A1', payout) +
            entry('0.50', 'DBIT', 'A2'),
        ),
      ),
    );
    expect(statement).toMatchObject({
      statementId: 'S-17',
      account: 'DE89370400440532013000',
      currency: 'EUR',
      openingMinor: 10000n,
      closingMinor: 109950n,
    });
    expect(statement?.entries).toEqual([
      {
        reference: 'A1',
        bookedOn: '2026-11-23',
        amountMinor: 100000n,
        isReversal: false,
        texts: ['po_123', 'STRIPE po_123'],
        counterparty: 'Stripe & Co',
      },
      {
        reference: 'A2',
        bookedOn: '2026-11-23',
        amountMinor: -50n,
        isReversal: false,
        texts: [],
        counterparty: undefined,
      },
    ]);
  });

  it('of a later version says status and party one level deeper', () => {
    const deeper = payout.replace('<Nm>', '<Pty><Nm>').replace('</Nm>', '</Nm></Pty>');
    const body =
      bal('OPBD', '0') + bal('CLBD', '1000') + entry('1000', 'CRDT', 'A1', deeper, '<Sts><Cd>BOOK</Cd></Sts>');
    expect(got(readCamt053(camt(body, '08')))[0]?.entries[0]?.counterparty).toBe('Stripe & Co');
  });

  it('counts booked entries only, and reads a reversal by its direction', () => {
    const body =
      bal('OPBD', '10') +
      bal('CLBD', '5') +
      entry('7', 'CRDT', 'P', '', '<Sts>PDNG</Sts>') +
      entry('5', 'DBIT', 'R', '<RvslInd>true</RvslInd>');
    expect(got(readCamt053(camt(body)))[0]?.entries).toMatchObject([
      { reference: 'R', amountMinor: -500n, isReversal: true },
    ]);
  });

  it.each([
    [
      'entries that do not add up',
      camt(bal('OPBD', '1') + bal('CLBD', '3') + entry('1', 'CRDT', 'A')),
      'BANK_STATEMENT_UNBALANCED',
    ],
    [
      'an entry that comes twice',
      camt(bal('OPBD', '0') + bal('CLBD', '2') + entry('1', 'CRDT', 'A') + entry('1', 'CRDT', 'A')),
      'BANK_FILE_INVALID',
    ],
    [
      'a third decimal of a cent',
      camt(bal('OPBD', '0') + bal('CLBD', '1') + entry('1.001', 'CRDT', 'A')),
      'BANK_FILE_INVALID',
    ],
    [
      'another currency in one entry',
      camt(bal('OPBD', '0') + bal('CLBD', '1') + entry('1', 'CRDT', 'A').replace('EUR', 'USD')),
      'BANK_FILE_INVALID',
    ],
    ['a negative amount', camt(bal('OPBD', '0') + bal('CLBD', '1') + entry('-1', 'CRDT', 'A')), 'BANK_FILE_INVALID'],
    ['no closing balance', camt(bal('OPBD', '0') + entry('1', 'CRDT', 'A')), 'BANK_FILE_INVALID'],
    [
      'a day that is none',
      camt(bal('OPBD', '0') + bal('CLBD', '1') + entry('1', 'CRDT', 'A').replace('11-23', '02-30')),
      'BANK_FILE_INVALID',
    ],
    ['an entity of its own', `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>${camt('')}`, 'BANK_FILE_INVALID'],
    ['half a file', camt(bal('OPBD', '0')).slice(0, -40), 'BANK_FILE_INVALID'],
    ['another kind of file', '<Document><Other/></Document>', 'BANK_FILE_INVALID'],
    ['no file', '', 'BANK_FILE_INVALID'],
  ])('with %s is refused', (_, text, refusal) => {
    expect(code(readCamt053(text))).toBe(refusal);
  });
});

const GERMAN: CsvMapping = {
  account: 'DE89',
  currency: 'EUR',
  delimiter: ';',
  dayForm: 'DD.MM.YYYY',
  decimalSign: ',',
  columns: { bookedOn: 'Buchung', amount: 'Betrag', counterparty: 'Name', texts: ['Zweck'] },
};
const AMERICAN: CsvMapping = {
  account: '12345',
  currency: 'USD',
  delimiter: ',',
  dayForm: 'MM/DD/YYYY',
  decimalSign: '.',
  columns: { bookedOn: 'Date', credit: 'In', debit: 'Out', reference: 'Ref', texts: ['Memo'] },
};

describe('a bank’s CSV', () => {
  it('is read by its mapping, one signed column or two', () => {
    const german = got(
      readBankCsv(
        '\uFEFFBuchung;Betrag;Name;Zweck\n23.11.2026;1.234,50;"=HYPERLINK(1)";po_1\n24.11.2026;-2,00;Bank;Gebühr\n',
        GERMAN,
      ),
    );
    expect(german.entries).toMatchObject([
      { bookedOn: '2026-11-23', amountMinor: 123450n, counterparty: '=HYPERLINK(1)', texts: ['po_1'] },
      { bookedOn: '2026-11-24', amountMinor: -200n },
    ]);
    const american = got(
      readBankCsv('Date,In,Out,Ref,Memo\n11/23/2026,"1,234.50",,R1,po_1\n11/24/2026,,2.00,R2,fee\n', AMERICAN),
    );
    expect(american.entries.map((e) => [e.reference, e.amountMinor])).toEqual([
      ['R1', 123450n],
      ['R2', -200n],
    ]);
  });

  it('gives equal lines their own identity, the same in every file', () => {
    const line = '23.11.2026;5,00;Ada;gift\n';
    const head = 'Buchung;Betrag;Name;Zweck\n';
    const references = (text: string) => got(readBankCsv(text, GERMAN)).entries.map((e) => e.reference);
    const twice = references(head + line + line);
    expect(new Set(twice).size).toBe(2);
    expect(references(head + line)).toEqual(twice.slice(0, 1));
  });

  it.each([
    ['a column that is not there', 'Buchung;Betrag;Name\n23.11.2026;5,00;Ada\n'],
    ['a day of another form', 'Buchung;Betrag;Name;Zweck\n2026-11-23;5,00;Ada;x\n'],
    ['an amount of letters', 'Buchung;Betrag;Name;Zweck\n23.11.2026;five;Ada;x\n'],
    ['no amount', 'Buchung;Betrag;Name;Zweck\n23.11.2026;;Ada;x\n'],
    ['an open quote', 'Buchung;Betrag;Name;Zweck\n23.11.2026;5,00;"Ada;x\n'],
    ['no lines', 'Buchung;Betrag;Name;Zweck\n'],
  ])('with %s is refused', (_, text) => {
    expect(code(readBankCsv(text, GERMAN))).toBe('BANK_FILE_INVALID');
  });
});

it('amounts are read to the unit, at any size and scale', () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }),
      fc.constantFrom<[string, number]>(['EUR', 2], ['JPY', 0], ['KWD', 3]),
      (minor, [currency, scale]) => {
        expect(minorUnits(formatMinorUnits(minor, scale), currency)).toBe(minor);
        expect(minorUnits(`${formatMinorUnits(minor, scale)}${scale === 0 ? '.' : ''}1`, currency)).toBeUndefined();
      },
    ),
  );
});
