/**
 * Works the budget out anew while its terms are typed. The page itself does the work, as for a browser without scripts:
 * this only sends the form on and takes the budget out of the answer.
 */
const campaignForm = document.getElementById('campaign-form') as HTMLFormElement | null;
const terms = /^(recipeId|mfu|overheadPercent|pricePerGpuHourMinor)$/;
let waiting: ReturnType<typeof setTimeout> | undefined;
let asked: AbortController | undefined;

async function workOut(from: HTMLFormElement): Promise<void> {
  asked?.abort();
  asked = new AbortController();
  const body = new URLSearchParams();
  for (const [name, value] of new FormData(from)) if (typeof value === 'string') body.append(name, value);
  body.set('do', 'budget');
  const answer = await fetch(from.action, { method: 'POST', body, signal: asked.signal });
  const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
  const fresh = page.getElementById('budget-live');
  if (fresh) document.getElementById('budget-live')?.replaceChildren(...fresh.childNodes);
  for (const name of ['computeGoalMilliseconds', 'suggested']) {
    const [there, here] = [page, document].map((doc) => doc.querySelector<HTMLInputElement>(`input[name="${name}"]`));
    if (there && here) here.value = there.value;
  }
}

const later = (event: Event): void => {
  if (!campaignForm || !terms.test((event.target as HTMLInputElement).name)) return;
  clearTimeout(waiting);
  // A failure leaves the last budget; the button below the terms still asks for a new one.
  waiting = setTimeout(() => void workOut(campaignForm).catch(() => undefined), 350);
};
campaignForm?.addEventListener('input', later);

export {}; // a module of its own, so that its names are
