/** What organisers told their backers, with every version of it. Plain text: nothing in it is markup. */
import type { ComponentChildren } from 'preact';
import type { Update } from '../api/campaign.shapes.js';
import { date, dateTime } from '../format/moment.js';

export function UpdateArticle({
  update,
  level,
  children,
}: {
  update: Update;
  level: 2 | 3;
  children?: ComponentChildren;
}) {
  const Head = level === 2 ? 'h2' : 'h3';
  const old = update.versions.filter(({ version }) => version !== update.version);
  return (
    <article class="update panel" id={`update-${update.number}`}>
      <p class="update-meta">
        <span>Update {update.number}</span>
        <time dateTime={update.publishedAt}>{date(update.publishedAt)}</time>
        {update.audience === 'BACKERS' && <span class="state calm">For backers only</span>}
      </p>
      <Head>{update.title}</Head>
      <Text paragraphs={update.paragraphs} />
      {update.correction && (
        <p class="panel-note">
          Corrected {dateTime(update.writtenAt)}: {update.correction}
        </p>
      )}
      {old.length > 0 && (
        <details>
          <summary>{old.length === 1 ? 'The version before' : `The ${old.length} versions before`}</summary>
          {old.map((version) => (
            <div key={version.version} class="update-old">
              <p class="update-meta">
                Version {version.version}, {dateTime(version.writtenAt)}
              </p>
              <p class="update-title">{version.title}</p>
              <Text paragraphs={version.paragraphs} />
            </div>
          ))}
        </details>
      )}
      {children}
    </article>
  );
}

export const Text = ({ paragraphs }: { paragraphs: string[] }) => (
  <div class="prose">
    {paragraphs.map((paragraph, at) => (
      <p key={at}>{paragraph}</p>
    ))}
  </div>
);
