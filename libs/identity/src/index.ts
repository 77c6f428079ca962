export { IdentityModule } from './identity.module.js';
export { IdentityCommands } from './commands.js';
export { Erasure } from './erasure.command.js';
export { type ContributorRow, IdentityQueries, type ProjectRow } from './queries.js';
export { PROJECT_ROLES, type ProjectRole, projectRoles, requireProjectRole } from './roles.js';
export { Contributor, Project } from './graphql/identity.type.js';
export { toContributor, toProject } from './graphql/identity.resolver.js';
export { sessionSecret } from './viewer-resolver.js';
