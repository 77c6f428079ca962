/** What operators do about differences and bank lines: one form, one mutation. */
import { mutate, refusal } from '../api/mutate.js';
import {
  bankLineMatch,
  bankLineUnmatch,
  bankStatementImport,
  reconciliationCaseAssign,
  reconciliationCaseExplain,
  reconciliationCorrectionApprove,
  reconciliationCorrectionPropose,
  reconciliationCorrectionReject,
  reconciliationCorrectionWithdraw,
} from '../api/reconciliation.documents.js';
import type { UserError } from '../api/shapes.js';
import { plural } from '../format/moment.js';
import type { PageContext } from '../http/request.js';

export const stepDone: Record<string, string> = {
  take: 'You have it in hand.',
  give: 'It is given on.',
  explain: 'It is explained. It opens again when its figures change.',
  propose: 'The correction is proposed. Another operator has to post it.',
  approve: 'The correction is in the books, and the case is closed.',
  reject: 'The correction is rejected.',
  withdraw: 'The correction is withdrawn.',
  match: 'The line is matched.',
  unmatch: 'The match is taken apart. The next comparison shows both sides as they are.',
};

/** Takes the step that a form names. */
export async function takeStep(context: PageContext, caseId: string): Promise<UserError[]> {
  const typed = (name: string): string => context.form.get(name) ?? '';
  const id = typed('id');
  const send = async (document: string, input: object): Promise<UserError[]> =>
    (await mutate(context, document, input)).errors;
  switch (typed('do')) {
    case 'take':
      return send(reconciliationCaseAssign, { caseId });
    case 'give':
      return send(reconciliationCaseAssign, { caseId, to: typed('to') });
    case 'explain':
      return send(reconciliationCaseExplain, { caseId, note: typed('note') });
    case 'propose': {
      const [own, other] = [typed('account'), typed('counter')];
      const [debit, credit] = typed('side') === 'debit' ? [own, other] : [other, own];
      return send(reconciliationCorrectionPropose, {
        caseId,
        debit,
        credit,
        amountMinor: typed('amountMinor'),
        reason: typed('reason'),
      });
    }
    case 'approve':
      return send(reconciliationCorrectionApprove, { correctionId: id });
    case 'reject':
      return send(reconciliationCorrectionReject, { correctionId: id, note: typed('reason') });
    case 'withdraw':
      return send(reconciliationCorrectionWithdraw, { correctionId: id, note: typed('reason') });
    case 'match': {
      const [what, ...rest] = typed('counterpart').split(' ');
      const counterpart = what === 'payout' ? { payoutId: rest.join(' ') } : { transferId: rest.join(' ') };
      return send(bankLineMatch, { lineId: typed('lineId'), note: typed('note'), ...counterpart });
    }
    case 'unmatch':
      return send(bankLineUnmatch, { lineId: id, reason: typed('reason') });
    default:
      return [refusal('This form is not known here.', undefined, 'Reload the page and try again.')];
  }
}

/** Sends a statement; what was taken is said in words. */
export async function importStatement(context: PageContext): Promise<{ errors: UserError[]; done?: string }> {
  const typed = (name: string): string => context.form.get(name)?.trim() ?? '';
  const optional = (name: string): string | null => typed(name) || null;
  const format = typed('format') === 'CSV' ? 'CSV' : 'CAMT053';
  const text = context.form.get('text') ?? '';
  if (text.trim() === '') return { errors: [refusal('There is no text of a file.', 'text', 'Choose or paste one.')] };
  const texts = typed('texts')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const columns = {
    bookedOn: typed('bookedOn'),
    amount: optional('amount'),
    credit: optional('credit'),
    debit: optional('debit'),
    reference: optional('reference'),
    counterparty: optional('counterparty'),
    texts,
  };
  const mapping = {
    account: typed('account'),
    currency: typed('currency'),
    delimiter: typed('delimiter') || 'SEMICOLON',
    dayForm: typed('dayForm') || 'DAY_MONTH_YEAR_POINTS',
    decimalSign: typed('decimalSign') || 'COMMA',
    columns,
  };
  const { payload, errors } = await mutate<{ statements: number; lines: number; known: number }>(
    context,
    bankStatementImport,
    {
      text,
      format,
      ...(format === 'CSV' ? { mapping } : {}),
      ...(typed('formulasAsText') === 'yes' ? { formulasAsText: true } : {}),
    },
  );
  if (errors.length > 0 || !payload) return { errors };
  const { statements, lines, known } = payload;
  return {
    errors: [],
    done: `${plural(statements, 'statement')} taken: ${plural(lines, 'new line')}, ${known} known before.`,
  };
}
