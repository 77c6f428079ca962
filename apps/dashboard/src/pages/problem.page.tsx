import { page, type Page } from '../http/request.js';
import { Notice } from '../parts/notice.js';

export function notFoundPage(what = 'page', hint = 'It may have been renamed, or the address may be mistyped.'): Page {
  return page({
    status: 404,
    title: 'Not found',
    body: (
      <div class="wrap problem">
        <p class="problem-code" aria-hidden="true">
          404
        </p>
        <h1>There is no such {what}</h1>
        <p class="lead">{hint}</p>
        <p class="actions">
          <a class="button" href="/">
            See all campaigns
          </a>
          <a class="button quiet" href="/reports">
            Published reports
          </a>
        </p>
      </div>
    ),
  });
}

export function failurePage(details: string[] = []): Page {
  return page({
    status: 500,
    title: 'Something failed',
    body: (
      <div class="wrap problem">
        <p class="problem-code" aria-hidden="true">
          500
        </p>
        <h1>This page could not be made</h1>
        <p class="lead">Nothing was changed. The fault is on our side; it usually passes within a minute.</p>
        {details.length > 0 && (
          <Notice tone="bad" title="What the API said">
            {[...new Set(details)].join(' ')}
          </Notice>
        )}
        <p class="actions">
          <a class="button" href="">
            Try again
          </a>
          <a class="button quiet" href="/status">
            System status
          </a>
        </p>
      </div>
    ),
  });
}

/** The one answer to "the API gave nothing": forbidden goes to sign-in, an error is a 500, silence a 404. */
export function whyNothing(answer: { problems: string[]; forbidden: boolean }, what: string): Page {
  return answer.problems.length > 0 && !answer.problems.every((text) => /not found|unknown id|no such/i.test(text))
    ? failurePage(answer.problems)
    : notFoundPage(what);
}
