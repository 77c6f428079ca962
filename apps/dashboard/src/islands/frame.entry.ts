/** The few things that every page does in the browser: switch the theme without a round trip, copy buttons, local search keys. */
const form = document.getElementById('theme-form') as HTMLFormElement | null;
const order = ['system', 'light', 'dark'];

form?.addEventListener('submit', (event) => {
  event.preventDefault();
  const root = document.documentElement;
  const theme = order[(order.indexOf(root.dataset.theme ?? 'system') + 1) % 3] ?? 'system';
  root.dataset.theme = theme;
  document.cookie = `cw_theme=${theme}; Path=/; Max-Age=31536000; SameSite=Lax`;
  const button = form.querySelector('button');
  if (!button) return;
  button.value = order[(order.indexOf(theme) + 1) % 3] ?? 'system';
  button.setAttribute('aria-label', `Colour theme: ${theme}. Change`);
  button.title = `Theme: ${theme}`;
});

document.addEventListener('click', (event) => {
  const button = (event.target as Element).closest<HTMLButtonElement>('button[data-copy]');
  if (!button) return;
  const text = document.getElementById(button.dataset.copy ?? '')?.textContent ?? '';
  void navigator.clipboard.writeText(text).then(() => {
    const label = button.textContent;
    button.textContent = 'Copied';
    setTimeout(() => (button.textContent = label), 1600);
  });
});
