import { Args, Context, Mutation, Query, Resolver } from '@nestjs/graphql';
import { isRefused, refuse } from '#kernel';
import {
  Access,
  Config,
  CurrentViewer,
  type GraphQLContext,
  type Viewer,
  fromGlobalId,
  toGlobalId,
  toUserErrors,
} from '#platform';
import { IdentityCommands } from '../commands.js';
import { Erasure } from '../erasure.command.js';
import { type ApiTokenRow, type ContributorRow, IdentityQueries, type ProjectRow } from '../queries.js';
import { SESSION_COOKIE } from '../viewer-resolver.js';
import {
  ApiToken,
  ApiTokenCreateInput,
  ApiTokenCreatePayload,
  ApiTokenRevokeInput,
  ApiTokenRevokePayload,
  Contributor,
  ContributorEraseInput,
  ContributorErasePayload,
  DeveloperSignInInput,
  DeveloperSignInPayload,
  Project,
  ProjectCreateInput,
  ProjectMemberSetInput,
  ProjectPayload,
  ProfileUpdateInput,
  ProfileUpdatePayload,
  SignInMethods,
  SignOutPayload,
  ViewerType,
} from './identity.type.js';

type SignedIn = Viewer & { kind: 'contributor' };

export const toContributor = (row: ContributorRow): Contributor => ({
  id: toGlobalId('Contributor', row.id),
  displayName: row.displayName ?? 'Erased contributor',
  pseudonym: row.pseudonym,
  kind: row.kind,
});

export const toProject = (row: ProjectRow, viewerRoles: readonly string[]): Project => ({
  id: toGlobalId('Project', row.id),
  slug: row.slug,
  name: row.name,
  organisation: { id: toGlobalId('Organisation', row.organisationId), name: row.organisationName },
  viewerRoles: [...viewerRoles],
});

const toApiToken = (row: ApiTokenRow): ApiToken => ({ ...row, id: toGlobalId('ApiToken', row.id) });

@Resolver()
export class IdentityResolver {
  constructor(
    private readonly commands: IdentityCommands,
    private readonly erasure: Erasure,
    private readonly queries: IdentityQueries,
    private readonly config: Config,
  ) {}

  @Access('public')
  @Query(() => ViewerType, { nullable: true, description: 'Who asks; null for anonymous.' })
  async viewer(@CurrentViewer() viewer: Viewer): Promise<ViewerType | null> {
    if (viewer.kind === 'anonymous') return null;
    const [person, self] = await Promise.all([
      this.queries.contributor(viewer.contributorId),
      this.queries.self(viewer),
    ]);
    if (!person) return null;
    return {
      contributor: toContributor(person),
      email: self.email,
      scopes: viewer.scopes === 'all' ? ['all'] : [...viewer.scopes],
      platformRoles: [...viewer.platformRoles],
      projects: self.projects.map((row) => toProject(row, row.roles)),
      apiTokens: self.tokens.map(toApiToken),
    };
  }

  @Access('public')
  @Query(() => SignInMethods, { description: 'The ways to sign in that are open here.' })
  signInMethods(): SignInMethods {
    return { developer: this.config.developerSignIn };
  }

  @Access('public')
  @Mutation(() => DeveloperSignInPayload, { description: 'Signs in without proof, on a developer machine only.' })
  async developerSignIn(
    @Args('input', { description: 'Who to be.' }) input: DeveloperSignInInput,
    @Context() context: GraphQLContext,
  ): Promise<DeveloperSignInPayload> {
    const outcome = await this.commands.developerSignIn(input);
    if (isRefused(outcome)) return { contributor: null, token: null, userErrors: toUserErrors(outcome) };
    context.setCookie(this.cookie(outcome.secret, outcome.expiresAt));
    const row = await this.queries.contributor(outcome.contributorId);
    return { contributor: row ? toContributor(row) : null, token: outcome.secret, userErrors: [] };
  }

  @Access('public')
  @Mutation(() => SignOutPayload, { description: 'Ends the session of the browser or program that asks.' })
  async signOut(@Context() context: GraphQLContext): Promise<SignOutPayload> {
    if (context.sessionSecret !== undefined) await this.commands.signOut(context.sessionSecret);
    context.setCookie(this.cookie('', new Date(0)));
    return { userErrors: [] };
  }

  @Access({ scope: 'profile:write' })
  @Mutation(() => ProfileUpdatePayload, { description: 'Changes the name that the viewer shows.' })
  async profileUpdate(
    @Args('input', { description: 'The name.' }) input: ProfileUpdateInput,
    @CurrentViewer() viewer: SignedIn,
  ): Promise<ProfileUpdatePayload> {
    const outcome = await this.commands.updateProfile(viewer, input);
    if (isRefused(outcome)) return { contributor: null, userErrors: toUserErrors(outcome) };
    const row = await this.queries.contributor(outcome);
    return { contributor: row ? toContributor(row) : null, userErrors: [] };
  }

  @Access({ scope: 'profile:write' })
  @Mutation(() => ApiTokenCreatePayload, { description: 'Makes a personal API token; its secret is shown once.' })
  async apiTokenCreate(
    @Args('input', { description: 'The token to make.' }) input: ApiTokenCreateInput,
    @CurrentViewer() viewer: SignedIn,
  ): Promise<ApiTokenCreatePayload> {
    const outcome = await this.commands.createApiToken(viewer, input);
    if (isRefused(outcome)) return { apiToken: null, token: null, userErrors: toUserErrors(outcome) };
    const { tokens } = await this.queries.self(viewer);
    const row = tokens.find((token) => token.id === outcome.id);
    return { apiToken: row ? toApiToken(row) : null, token: outcome.secret, userErrors: [] };
  }

  @Access({ scope: 'profile:write' })
  @Mutation(() => ApiTokenRevokePayload, { description: "Revokes one of the viewer's API tokens." })
  async apiTokenRevoke(
    @Args('input', { description: 'The token to revoke.' }) input: ApiTokenRevokeInput,
    @CurrentViewer() viewer: SignedIn,
  ): Promise<ApiTokenRevokePayload> {
    const id = fromGlobalId('ApiToken', input.apiTokenId, ['input', 'apiTokenId']);
    const outcome = isRefused(id) ? id : await this.commands.revokeApiToken(viewer, id);
    return isRefused(outcome)
      ? { apiTokenId: null, userErrors: toUserErrors(outcome) }
      : { apiTokenId: input.apiTokenId, userErrors: [] };
  }

  @Access({ scope: 'project:write' })
  @Mutation(() => ProjectPayload, { description: 'Makes a project; the viewer becomes its owner.' })
  async projectCreate(
    @Args('input', { description: 'The project to make.' }) input: ProjectCreateInput,
    @CurrentViewer() viewer: SignedIn,
  ): Promise<ProjectPayload> {
    const outcome = await this.commands.createProject(viewer, input);
    return isRefused(outcome) ? this.refusedProject(outcome) : this.projectPayload(outcome, viewer);
  }

  @Access({ scope: 'project:write', projectRoles: ['owner'] })
  @Mutation(() => ProjectPayload, { description: "Sets a member's roles in a project, exactly." })
  async projectMemberSet(
    @Args('input', { description: 'Member and roles.' }) input: ProjectMemberSetInput,
    @CurrentViewer() viewer: SignedIn,
  ): Promise<ProjectPayload> {
    const projectId = fromGlobalId('Project', input.projectId, ['input', 'projectId']);
    if (isRefused(projectId)) return this.refusedProject(projectId);
    const contributorId = fromGlobalId('Contributor', input.contributorId, ['input', 'contributorId']);
    if (isRefused(contributorId)) return this.refusedProject(contributorId);
    const outcome = await this.commands.setProjectMember(viewer, { projectId, contributorId, roles: input.roles });
    return isRefused(outcome) ? this.refusedProject(outcome) : this.projectPayload(outcome, viewer);
  }

  @Access('signedIn')
  @Mutation(() => ContributorErasePayload, {
    description:
      'Erases a person for ever: name, e-mail, sessions, tokens and roles. What was given stays on record under the pseudonym. Takes a session, not a token.',
  })
  async contributorErase(
    @Args('input', { description: 'Who.' }) input: ContributorEraseInput,
    @CurrentViewer() viewer: SignedIn,
    @Context() context: GraphQLContext,
  ): Promise<ContributorErasePayload> {
    const id =
      input.contributorId == null
        ? viewer.contributorId
        : fromGlobalId('Contributor', input.contributorId, ['input', 'contributorId']);
    const outcome = isRefused(id) ? id : await this.erasure.erase(viewer, id);
    if (isRefused(outcome)) return { contributor: null, userErrors: toUserErrors(outcome) };
    if (outcome === viewer.contributorId) context.setCookie(this.cookie('', new Date(0)));
    const row = await this.queries.contributor(outcome);
    return { contributor: row ? toContributor(row) : null, userErrors: [] };
  }

  private async projectPayload(id: string, viewer: SignedIn): Promise<ProjectPayload> {
    const row = await this.queries.projectFor(viewer.contributorId, id);
    if (!row) return this.refusedProject(refuse({ code: 'PROJECT_NOT_FOUND', message: 'There is no such project.' }));
    return { project: toProject(row, row.roles), userErrors: [] };
  }

  private refusedProject(refused: Parameters<typeof toUserErrors>[0]): ProjectPayload {
    return { project: null, userErrors: toUserErrors(refused) };
  }

  private cookie(secret: string, expires: Date): string {
    const secure = this.config.publicUrl.protocol === 'https:' ? '; Secure' : '';
    return `${SESSION_COOKIE}=${secret}; Path=/; HttpOnly; SameSite=Lax${secure}; Expires=${expires.toUTCString()}`;
  }
}
