import { UnitOfWork } from '#platform';
import { type BookForm } from './domain/book-file.rules.js';
import { bookPage, sealHeads } from './store/seal.store.js';

const PAGE = 2000;

/**
 * The sealed book of a unit as the lines of a file (see {@link BookForm}), up to where it stands now, a page in memory
 * at a time. Of a unit without transfers it is the head line alone. What has no seal yet is not in it.
 */
export async function* bookLines(uow: UnitOfWork, unit: string, form: BookForm): AsyncGenerator<string> {
  yield `${form.head}\n`;
  const head = (await uow.read((tx) => sealHeads(tx))).find((h) => h.unit === unit);
  const to = head?.position ?? 0n;
  for (let after = 0n; after < to;) {
    const from = after;
    const page = await uow.read((tx) => bookPage(tx, unit, from, to, PAGE));
    if (page.length === 0) throw new Error(`The book of ${unit} has a gap after position ${after}.`);
    yield page.map((row) => `${form.line({ ...row, hash: row.hash.toString('hex') })}\n`).join('');
    after = page.at(-1)?.position ?? to;
  }
}
