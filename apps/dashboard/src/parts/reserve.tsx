/** What is held back for disputes in one currency, and how that follows from what can still be disputed. */
import type { ReserveLine } from '../api/disbursement.shapes.js';
import { decimal, money } from '../format/amount.js';
import { dateTime } from '../format/moment.js';
import { words } from './state.js';

export function Reserve({ reserve }: { reserve: ReserveLine }) {
  return (
    <section class="stack">
      <h2>Held back for disputes, {reserve.currency}</h2>
      <p class="muted">
        {money(reserve.target)} stays until payments can no longer be disputed; sized {dateTime(reserve.sizedAt)}.
      </p>
      <div class="scroll">
        <table class="table stacked">
          <thead>
            <tr>
              <th scope="col">Rail</th>
              <th scope="col" class="num">
                Can be disputed
              </th>
              <th scope="col" class="num">
                In dispute
              </th>
              <th scope="col" class="num">
                Rate
              </th>
              <th scope="col">Until</th>
              <th scope="col" class="num">
                Held
              </th>
            </tr>
          </thead>
          <tbody>
            {reserve.rails.map((rail) => (
              <tr key={rail.rail}>
                <th scope="row">{words(rail.rail)}</th>
                <td class="num" data-label="Can be disputed">
                  {money(rail.open)}
                </td>
                <td class="num" data-label="In dispute">
                  {money(rail.disputed)}
                </td>
                <td class="num" data-label="Rate">
                  {decimal(String(rail.rateBp), 2)} %
                </td>
                <td data-label="Until">{rail.windowEndsAt ? dateTime(rail.windowEndsAt) : 'nothing is open'}</td>
                <td class="num" data-label="Held">
                  {money(rail.need)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
