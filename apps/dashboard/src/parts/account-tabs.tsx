/** The pages of one's own account, beside one another. */
const TABS = [
  ['giving', '/account/giving', 'My giving'],
  ['inbox', '/account/inbox', 'Messages'],
  ['account', '/account', 'Account'],
] as const;

export function AccountTabs({ at }: { at: (typeof TABS)[number][0] }) {
  return (
    <nav class="tabs" aria-label="Account">
      {TABS.map(([name, href, label]) => (
        <a key={name} href={href} aria-current={name === at ? 'page' : undefined}>
          {label}
        </a>
      ))}
    </nav>
  );
}
