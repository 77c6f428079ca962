/** What the amount in the form would move in an open round of matching, asked anew when it changes. */
import { useEffect, useState } from 'preact/hooks';
import { matchEstimateQuery } from '../api/matching.documents.js';
import { EstimateText, type MatchEstimate } from '../parts/match-estimate.js';
import { askApi } from './live.client.js';

/** While somebody types, only what stands still this long is asked. */
const QUIET_MS = 250;

export function MatchLive(props: { campaignId: string; amountMinor: string | undefined; currency: string }) {
  const { campaignId, amountMinor } = props;
  const [found, setFound] = useState<{ amountMinor: string; estimate: MatchEstimate | null } | null>(null);
  useEffect(() => {
    if (!amountMinor) return setFound(null);
    let stopped = false;
    const timer = setTimeout(async () => {
      const variables = { id: campaignId, amount: amountMinor };
      const answer = await askApi<{ matchEstimate: MatchEstimate | null }>(matchEstimateQuery, variables).catch(
        () => null,
      );
      if (!stopped) setFound({ amountMinor, estimate: answer?.matchEstimate ?? null });
    }, QUIET_MS);
    return () => {
      stopped = true;
      clearTimeout(timer);
    };
  }, [campaignId, amountMinor]);

  // What was said of another amount is not left standing beside this one.
  const estimate = found?.amountMinor === amountMinor ? found?.estimate : null;
  return (
    <p class="fine match-live" aria-live="polite">
      {estimate && amountMinor && <EstimateText estimate={estimate} gift={{ amountMinor, currency: props.currency }} />}
    </p>
  );
}
