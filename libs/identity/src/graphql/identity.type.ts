import { Field, ID, InputType, ObjectType, registerEnumType } from '@nestjs/graphql';
import { DateTimeScalar, NodeInterface, UserError } from '#platform';

export enum PlatformRoleInput {
  OPERATOR = 'operator',
  REGULATOR = 'regulator',
}
registerEnumType(PlatformRoleInput, {
  name: 'PlatformRole',
  description: 'What somebody may be on the whole platform.',
  valuesMap: {
    OPERATOR: { description: 'Runs the platform: reviews campaigns, handles incidents.' },
    REGULATOR: { description: 'Reserved for reports with a restricted audience; sees what the public sees, so far.' },
  },
});

@ObjectType({
  implements: () => NodeInterface,
  description: 'A person or organisation that gives, organises or oversees.',
})
export class Contributor {
  @Field(() => ID, { description: 'Global id.' })
  id: string;
  @Field(() => String, { description: 'Name as the contributor shows it; "Erased contributor" once erased.' })
  displayName: string;
  @Field(() => String, { description: 'The id that stands for this contributor in ledger, log and reports.' })
  pseudonym: string;
  @Field(() => String, { description: '"person" or "organisation".' })
  kind: string;
}

@ObjectType({ description: 'The organisation that a project belongs to.' })
export class Organisation {
  @Field(() => ID, { description: 'Global id.' })
  id: string;
  @Field(() => String, { description: 'Name.' })
  name: string;
}

@ObjectType({ implements: () => NodeInterface, description: 'A group that runs campaigns and trainings.' })
export class Project {
  @Field(() => ID, { description: 'Global id.' })
  id: string;
  @Field(() => String, { description: 'Short name for addresses.' })
  slug: string;
  @Field(() => String, { description: 'Name.' })
  name: string;
  @Field(() => Organisation, { description: 'The organisation behind it.' })
  organisation: Organisation;
  @Field(() => [String], { description: "The viewer's roles in it: owner, maintainer, treasurer, reviewer, auditor." })
  viewerRoles: string[];
}

@ObjectType({ description: 'A personal API token, without its secret.' })
export class ApiToken {
  @Field(() => ID, { description: 'Global id.' })
  id: string;
  @Field(() => String, { description: 'What its owner calls it.' })
  name: string;
  @Field(() => String, { description: 'First characters of the secret, to tell tokens apart.' })
  hint: string;
  @Field(() => [String], { description: 'What it may do.' })
  scopes: string[];
  @Field(() => DateTimeScalar, { description: 'When it was made.' })
  createdAt: Date;
  @Field(() => DateTimeScalar, { nullable: true, description: 'When it ends; null for never.' })
  expiresAt: Date | null;
  @Field(() => DateTimeScalar, { nullable: true, description: 'Last use, to the minute.' })
  lastUsedAt: Date | null;
  @Field(() => DateTimeScalar, { nullable: true, description: 'When it was revoked.' })
  revokedAt: Date | null;
}

@ObjectType('Viewer', { description: 'Who asks, with what only he may see of himself.' })
export class ViewerType {
  @Field(() => Contributor, { description: 'The public side.' })
  contributor: Contributor;
  @Field(() => String, { nullable: true, description: 'E-mail address.' })
  email: string | null;
  @Field(() => [String], { description: 'What this session or token may do.' })
  scopes: string[];
  @Field(() => [String], { description: 'Roles on the platform: operator, regulator.' })
  platformRoles: string[];
  @Field(() => [Project], { description: 'The newest 100 projects that he has a role in.' })
  projects: Project[];
  @Field(() => [ApiToken], { description: 'The newest 100 of his API tokens.' })
  apiTokens: ApiToken[];
}

@ObjectType({ description: 'The ways to sign in that are open here.' })
export class SignInMethods {
  @Field(() => Boolean, { description: 'Sign-in without proof, for a developer machine only.' })
  developer: boolean;
}

@InputType({ description: 'Who to be on this developer machine.' })
export class DeveloperSignInInput {
  @Field(() => String, { description: 'Name, 1 to 80 characters.' })
  name: string;
  @Field(() => String, { nullable: true, description: 'E-mail; the same one is the same person again.' })
  email?: string | null;
  @Field(() => PlatformRoleInput, { nullable: true, description: 'A platform role to have from now on.' })
  platformRole?: PlatformRoleInput | null;
}

@InputType({ description: 'How the viewer is to be called.' })
export class ProfileUpdateInput {
  @Field(() => String, { description: 'The name to show, 1 to 80 characters.' })
  displayName: string;
}

@ObjectType({ description: 'Outcome of profileUpdate.' })
export class ProfileUpdatePayload {
  @Field(() => Contributor, { nullable: true, description: 'The viewer after the change.' })
  contributor: Contributor | null;
  @Field(() => [UserError], { description: 'Why it was refused; empty on success.' })
  userErrors: UserError[];
}

@InputType({ description: 'A new personal API token.' })
export class ApiTokenCreateInput {
  @Field(() => String, { description: 'What to call it, 1 to 80 characters.' })
  name: string;
  @Field(() => [String], { description: 'What it may do, for example ["pledge:write"].' })
  scopes: string[];
  @Field(() => DateTimeScalar, { nullable: true, description: 'When it ends; never when absent.' })
  expiresAt?: Date | null;
}

@InputType({ description: 'The token to revoke.' })
export class ApiTokenRevokeInput {
  @Field(() => ID, { description: 'Global id of the token.' })
  apiTokenId: string;
}

@InputType({ description: 'Who is to be erased.' })
export class ContributorEraseInput {
  @Field(() => ID, {
    nullable: true,
    description: 'Global id of the contributor; yourself when absent. Only an operator may name somebody else.',
  })
  contributorId?: string | null;
}

@InputType({ description: 'A new project.' })
export class ProjectCreateInput {
  @Field(() => String, { description: 'Name, 1 to 120 characters.' })
  name: string;
  @Field(() => String, { nullable: true, description: "The organisation behind it; the project's name when absent." })
  organisationName?: string | null;
}

@InputType({ description: 'The roles that a member is to have in a project, exactly these.' })
export class ProjectMemberSetInput {
  @Field(() => ID, { description: 'Global id of the project.' })
  projectId: string;
  @Field(() => ID, { description: 'Global id of the contributor.' })
  contributorId: string;
  @Field(() => [String], {
    description: 'Any of owner, maintainer, treasurer, reviewer, auditor; empty removes the member.',
  })
  roles: string[];
}

@ObjectType({ description: 'Outcome of developerSignIn.' })
export class DeveloperSignInPayload {
  @Field(() => Contributor, { nullable: true, description: 'Who is signed in now.' })
  contributor: Contributor | null;
  @Field(() => String, { nullable: true, description: 'Session secret for programs; browsers get it as a cookie.' })
  token: string | null;
  @Field(() => [UserError], { description: 'Why it was refused; empty on success.' })
  userErrors: UserError[];
}

@ObjectType({ description: 'Outcome of signOut.' })
export class SignOutPayload {
  @Field(() => [UserError], { description: 'Why it was refused; empty on success.' })
  userErrors: UserError[];
}

@ObjectType({ description: 'Outcome of apiTokenCreate.' })
export class ApiTokenCreatePayload {
  @Field(() => ApiToken, { nullable: true, description: 'The token.' })
  apiToken: ApiToken | null;
  @Field(() => String, { nullable: true, description: 'Its secret, shown this once.' })
  token: string | null;
  @Field(() => [UserError], { description: 'Why it was refused; empty on success.' })
  userErrors: UserError[];
}

@ObjectType({ description: 'Outcome of apiTokenRevoke.' })
export class ApiTokenRevokePayload {
  @Field(() => ID, { nullable: true, description: 'Global id of the token that works no more.' })
  apiTokenId: string | null;
  @Field(() => [UserError], { description: 'Why it was refused; empty on success.' })
  userErrors: UserError[];
}

@ObjectType({ description: 'Outcome of contributorErase.' })
export class ContributorErasePayload {
  @Field(() => Contributor, { nullable: true, description: 'What is left of the contributor: the pseudonym.' })
  contributor: Contributor | null;
  @Field(() => [UserError], { description: 'Why it was refused; empty on success.' })
  userErrors: UserError[];
}

@ObjectType({ description: 'Outcome of a change to a project.' })
export class ProjectPayload {
  @Field(() => Project, { nullable: true, description: 'The project after the change.' })
  project: Project | null;
  @Field(() => [UserError], { description: 'Why it was refused; empty on success.' })
  userErrors: UserError[];
}
