import { NodeLookup, type NodeSource, UnitOfWork } from '#platform';
import { accountsBy, transfersById } from '../store/book.queries.js';
import { toAccount, toTransfer } from './ledger.mapper.js';

@NodeLookup()
export class LedgerAccountSource implements NodeSource {
  readonly typeName = 'LedgerAccount';
  constructor(private readonly uow: UnitOfWork) {}

  async find(id: string): Promise<object | null> {
    const [row] = await this.uow.read((tx) => accountsBy(tx, 'id', [id]));
    return row ? toAccount(row) : null;
  }
}

@NodeLookup()
export class LedgerTransferSource implements NodeSource {
  readonly typeName = 'LedgerTransfer';
  constructor(private readonly uow: UnitOfWork) {}

  async find(id: string): Promise<object | null> {
    const [row] = await this.uow.read((tx) => transfersById(tx, [id]));
    return row ? toTransfer(row) : null;
  }
}
