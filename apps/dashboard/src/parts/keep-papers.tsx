/** The papers of a campaign that its keepers take away or publish. */
import type { UserError } from '../api/shapes.js';
import { StepPanel } from './step-form.js';

export function AccountOfCampaign({ id }: { id: string }) {
  const address = `/statements/campaigns/${encodeURIComponent(id)}`;
  return (
    <section class="panel stack" aria-labelledby="account-head">
      <h3 id="account-head">Account for your accountants</h3>
      <p class="muted">
        Every posting of its money, fee by fee, signed. It adds up to what the ledger holds, and names donors by
        pseudonym only.
      </p>
      <p class="actions">
        {(['pdf', 'csv', 'json'] as const).map((form) => (
          <a
            key={form}
            class="button small quiet"
            href={`${address}.${form}`}
            aria-label={`Account as ${form.toUpperCase()}`}
          >
            {form.toUpperCase()}
          </a>
        ))}
      </p>
    </section>
  );
}

export function PublishPanel(props: { path: string; errors: UserError[] }) {
  return (
    <StepPanel
      action={props.path}
      step="publish"
      title="Publish its report"
      label="Publish a new version"
      tone="quiet"
      errors={props.errors}
    >
      As of the newest checkpoint of the log: money with every fee, GPU time, training. It is published by itself when
      the run ends; a later version corrects the one before and never replaces it.
    </StepPanel>
  );
}
