/** The living part of a campaign's page, drawn by the server first and kept current in the browser after. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { campaignChanged, campaignLiveQuery } from '../api/documents.js';
import type { CampaignLive } from '../api/shapes.js';
import { ClosingSection } from '../parts/closing.js';
import { Events } from '../parts/events.js';
import { CashBackers, ComputeBackers } from '../parts/people.js';
import { ProgressPanels, sharesOf } from '../parts/progress.js';
import { WeightsField } from '../parts/weights-field.js';
import { follow, type LiveState } from './live.client.js';
import { LiveSign } from './live-sign.js';
import { refreshMarked } from './refresh.client.js';

export interface CampaignLiveProps {
  campaign: CampaignLive;
  slug: string;
  now: number;
}

export function CampaignLiveView(props: CampaignLiveProps) {
  const [campaign, setCampaign] = useState(props.campaign);
  const [now, setNow] = useState(props.now);
  const [live, setLive] = useState<LiveState>('connecting');
  // Who may pledge, what comes next and the runs are drawn by the server: they change with the state.
  const drawn = useRef(props.campaign.state);
  useEffect(() => {
    if (campaign.state === drawn.current) return;
    drawn.current = campaign.state;
    void refreshMarked();
  }, [campaign.state]);
  useEffect(
    () =>
      follow<CampaignLive>({
        query: campaignLiveQuery,
        subscription: campaignChanged,
        variables: { id: props.campaign.id },
        read: (data) => data.campaignChanged ?? data.campaign,
        onAnswer: (value) => {
          setCampaign(value);
          setNow(Date.now());
        },
        onState: setLive,
      }),
    [],
  );
  const shares = sharesOf(campaign);
  return (
    <>
      {campaign.state === 'SETTLING' && <ClosingSection campaign={campaign} now={now} />}
      <WeightsField seed={props.slug} cash={shares.cash} compute={shares.compute} columns={60} rows={6} />
      <ProgressPanels campaign={campaign} />
      <div class="panels">
        <section aria-labelledby="backers-head" class="stack">
          <h2 id="backers-head">Backers</h2>
          <h3 class="eyebrow cash-ink">Money</h3>
          <CashBackers pledges={campaign.pledges} now={now} />
          <h3 class="eyebrow compute-ink">Compute</h3>
          <ComputeBackers pledges={campaign.computePledges} />
        </section>
        <section aria-labelledby="events-head" class="stack">
          <h2 id="events-head" class="with-sign">
            What happened <LiveSign state={live} />
          </h2>
          <Events events={campaign.events} now={now} />
        </section>
      </div>
    </>
  );
}
