/** `/sign-in` and `/sign-out`: plain forms, no script needed. */
import { developerSignIn, signInMethodsQuery, signOut } from '../api/documents.js';
import type { UserError } from '../api/shapes.js';
import { page, redirect, safeReturn, type PageContext, type Result } from '../http/request.js';
import { Field, UserErrors } from '../parts/form.js';
import { Notice } from '../parts/notice.js';

export async function signInPage(context: PageContext): Promise<Result> {
  const back = safeReturn(context.form.get('return') ?? context.url.searchParams.get('return'));
  let errors: UserError[] = [];
  let problems: string[] = [];
  if (context.method === 'POST') {
    const role = context.form.get('role');
    const email = context.form.get('email')?.trim();
    const answer = await context.ask<{ developerSignIn: { userErrors: UserError[] } }>(developerSignIn, {
      input: {
        name: context.form.get('name')?.trim() ?? '',
        ...(email ? { email } : {}),
        ...(role ? { platformRole: role } : {}),
      },
    });
    errors = answer.data?.developerSignIn?.userErrors ?? [];
    problems = answer.problems;
    if (answer.data?.developerSignIn && errors.length === 0 && problems.length === 0) return redirect(back);
  }
  const methods = await context.ask<{ signInMethods: { developer: boolean } }>(signInMethodsQuery);
  const viewer = await context.viewer;
  return page({
    title: 'Sign in',
    status: errors.length > 0 ? 422 : 200,
    problems: [...problems, ...methods.problems],
    body: (
      <div class="wrap narrow">
        <div>
          <h1>Sign in</h1>
          <p class="lead">To pledge, lend a machine or keep a campaign. Reading needs no account.</p>
        </div>
        {viewer && (
          <Notice tone="info" title={`You are signed in as ${viewer.displayName}`}>
            <a href={back}>Go on</a>, or sign in below as somebody else.
          </Notice>
        )}
        {methods.data?.signInMethods.developer ? (
          <form method="post" action="/sign-in" class="form panel">
            <UserErrors errors={errors} />
            <input type="hidden" name="return" value={back} />
            <Field label="Name" hint="Shown beside your pledges, unless you give anonymously.">
              <input name="name" required maxLength={80} autoComplete="name" value={context.form.get('name') ?? ''} />
            </Field>
            <Field label="E-mail" hint="Optional. The same address is the same person again.">
              <input
                name="email"
                type="email"
                maxLength={200}
                autoComplete="email"
                value={context.form.get('email') ?? ''}
              />
            </Field>
            <Field
              label="Role on the platform"
              hint="Operators approve campaigns. The regulator's role is reserved and shows what everybody sees."
            >
              <select name="role">
                <option value="">None</option>
                <option value="OPERATOR">Operator</option>
                <option value="REGULATOR">Regulator</option>
              </select>
            </Field>
            <button class="button">Sign in</button>
            <p class="fine">
              This is the developer sign-in: it asks for no proof and exists on a developer’s machine only. It can’t be
              switched on in production.
            </p>
          </form>
        ) : (
          <Notice tone="warn" title="No way to sign in is open here">
            The developer sign-in is off, and no identity provider is configured. An operator sets one with the OIDC_…
            variables.
          </Notice>
        )}
      </div>
    ),
  });
}

export async function signOutAction(context: PageContext): Promise<Result> {
  await context.ask<unknown>(signOut);
  return redirect('/');
}
