/** The frame around every page: head, skip link, header with menu and theme switch, main, footer. */
import type { FrameViewer, Page, Theme } from '../http/request.js';
import type { Assets } from '../http/assets.js';
import { Icon, Mark } from './mark.js';
import { Notice } from './notice.js';

const menu = [
  { section: 'campaigns', href: '/', label: 'Campaigns' },
  { section: 'runs', href: '/runs', label: 'Runs' },
  { section: 'matching', href: '/matching', label: 'Matching' },
  { section: 'ledger', href: '/ledger', label: 'Ledger' },
  { section: 'reports', href: '/reports', label: 'Reports' },
  { section: 'status', href: '/status', label: 'Status' },
];

interface Props {
  page: Page;
  assets: Assets;
  theme: Theme;
  viewer: FrameViewer | null;
  path: string;
  /** The stylesheet for a first page, allowed by the nonce of its security policy; null links to the file. */
  inlineStyle: { text: string; nonce: string } | null;
}

export function Document({ page, assets, theme, viewer, path, inlineStyle }: Props) {
  const scripts = new Set<string>();
  const preloads = new Set<string>();
  for (const name of ['frame', ...(page.islands ?? [])]) {
    const [entry, ...imports] = assets.island(name);
    if (entry) scripts.add(entry);
    imports.forEach((file) => preloads.add(file));
  }
  return (
    <html lang="en" data-theme={theme}>
      <head>
        <meta charSet="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>{`${page.title} · Commonweights`}</title>
        <meta
          name="description"
          content={page.description ?? 'Communities fund, run and verify open model training together.'}
        />
        <meta name="color-scheme" content={theme === 'system' ? 'light dark' : theme} />
        {inlineStyle ? (
          <style nonce={inlineStyle.nonce} dangerouslySetInnerHTML={{ __html: inlineStyle.text }} />
        ) : (
          <link rel="stylesheet" href={assets.stylesheet} />
        )}
        {assets.font && (
          <link
            rel="preload"
            href={assets.font}
            as="font"
            type="font/woff2"
            crossOrigin="anonymous"
            fetchpriority={inlineStyle ? 'low' : undefined}
          />
        )}
        {inlineStyle && <link rel="prefetch" href={assets.stylesheet} as="style" />}
        <link rel="icon" href={favicon} />
        {[...preloads].map((href) => (
          <link key={href} rel="modulepreload" href={href} />
        ))}
        {[...scripts].map((src) => (
          <script key={src} type="module" src={src} />
        ))}
      </head>
      <body>
        <a class="skip" href="#main">
          Skip to the content
        </a>
        <Header section={page.section} theme={theme} viewer={viewer} path={path} />
        <main id="main" tabIndex={-1}>
          {page.problems && page.problems.length > 0 && (
            <div class="wrap">
              <Notice tone="warn" title="Part of this page could not be loaded">
                {[...new Set(page.problems)].join(' ')} What is shown below is complete in itself.
              </Notice>
            </div>
          )}
          {page.body}
        </main>
        <Footer />
      </body>
    </html>
  );
}

function Header(props: { section: string | undefined; theme: Theme; viewer: FrameViewer | null; path: string }) {
  return (
    <header class="top">
      <div class="wrap top-row">
        <a class="brand" href="/">
          <Mark />
          <span>Commonweights</span>
        </a>
        <nav aria-label="Main" class="menu">
          {menu.map((item) => (
            <a key={item.section} href={item.href} aria-current={props.section === item.section ? 'page' : undefined}>
              {item.label}
            </a>
          ))}
        </nav>
        <div class="top-end">
          <ThemeSwitch theme={props.theme} />
          {props.viewer && props.viewer.unread > 0 && (
            <a class="icon-button" href="/account/inbox?show=unread" aria-label={unreadLabel(props.viewer.unread)}>
              <span class="person-mail" data-count={props.viewer.unread > 99 ? '99+' : props.viewer.unread}>
                <Icon name="mail" />
              </span>
            </a>
          )}
          {props.viewer ? (
            <a class="person" href="/account" aria-current={props.section === 'account' ? 'page' : undefined}>
              <span class="avatar" aria-hidden="true">
                {initials(props.viewer.displayName)}
              </span>
              <span class="person-name">{props.viewer.displayName}</span>
            </a>
          ) : (
            <a class="button small quiet" href={`/sign-in?return=${encodeURIComponent(props.path)}`}>
              Sign in
            </a>
          )}
        </div>
      </div>
    </header>
  );
}

const unreadLabel = (unread: number): string =>
  unread === 1 ? 'One unread message' : `${unread > 99 ? 'More than 99' : unread} unread messages`;

const nextTheme: Record<Theme, Theme> = { system: 'light', light: 'dark', dark: 'system' };
const themeIcon = { system: 'auto', light: 'sun', dark: 'moon' } as const;

/** A plain form that the frame script takes over: works before and without it. */
function ThemeSwitch({ theme }: { theme: Theme }) {
  return (
    <form method="post" action="/preferences/theme" id="theme-form">
      <button
        class="icon-button"
        name="theme"
        value={nextTheme[theme]}
        aria-label={`Colour theme: ${theme}. Change`}
        title={`Theme: ${theme}`}
      >
        {(['system', 'light', 'dark'] as const).map((name) => (
          <span key={name} class={`theme-icon for-${name}`}>
            <Icon name={themeIcon[name]} />
          </span>
        ))}
      </button>
    </form>
  );
}

function Footer() {
  return (
    <footer class="bottom">
      <div class="wrap bottom-row">
        <p>
          Every figure on these pages can be traced to the <a href="/ledger">ledger</a> and to a leaf of the public log.
        </p>
        <nav aria-label="More">
          <a href="/graphql">GraphQL</a>
          <a href="/status">Status</a>
          <a href="/reports">Reports</a>
          <a href="/matching">Matching</a>
        </nav>
      </div>
    </footer>
  );
}

function initials(name: string): string {
  return name
    .split(/\s+/)
    .map((word) => word[0] ?? '')
    .slice(0, 2)
    .join('')
    .toUpperCase();
}

const favicon =
  'data:image/svg+xml,' +
  encodeURIComponent(
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 28 28"><rect width="28" height="28" rx="6" fill="#0f1a16"/>' +
      '<g fill="#e8efe9"><circle cx="7" cy="7" r="2.300"/><circle cx="14" cy="7" r="1.400"/><circle cx="21" cy="7" r="2.600"/>' +
      '<circle cx="7" cy="14" r="1.200"/><circle cx="21" cy="14" r="1.800"/><circle cx="7" cy="21" r="2.600"/>' +
      '<circle cx="14" cy="21" r="2"/><circle cx="21" cy="21" r="1.300"/></g><circle cx="14" cy="14" r="3" fill="#3fcf95"/></svg>',
  );
