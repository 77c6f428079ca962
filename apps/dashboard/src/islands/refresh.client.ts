/**
 * What the server alone draws of a page, brought up to date without a reload: every `[data-refresh]` is replaced by the
 * one of the same name in the page as it is now. Where the page can't be fetched, all stays as it is.
 */
export async function refreshMarked(): Promise<void> {
  const response = await fetch(location.href).catch(() => null);
  if (!response?.ok) return;
  const fresh = new DOMParser().parseFromString(await response.text(), 'text/html');
  for (const old of document.querySelectorAll<HTMLElement>('[data-refresh]')) {
    const next = fresh.querySelector<HTMLElement>(`[data-refresh="${old.dataset.refresh}"]`);
    if (!next || next.outerHTML === old.outerHTML) continue;
    const hadFocus = old.contains(document.activeElement);
    old.replaceWith(next);
    // Whoever was on a link that is gone goes on where it stood.
    if (hadFocus) {
      next.tabIndex = -1;
      next.focus();
    }
  }
}
