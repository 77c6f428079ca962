/** What the pages of donated machines ask for. */
const person = '{ displayName pseudonym }';
const errors = 'userErrors { code message detail hint path }';
const node = `id name state stateCause class count region verifiedAt joinedAt lastSeenAt owner ${person}`;

export const nodesQuery = `query Nodes($first: Int, $after: String) {
  nodes(first: $first, after: $after) { edges { node { ${node} challenges { state operationsPerSecond } } } pageInfo { hasNextPage endCursor } }
}`;
export const nodeQuery = `query Node($id: ID!) {
  viewer { platformRoles contributor { pseudonym } }
  node(id: $id) { ... on GpuNode { ${node} agentVersion inventory hours { rrule durationMinutes }
    appeal { statement filedAt decision reason decidedAt }
    challenges { device cause state fault detail operations operationsPerSecond issuedAt endedAt } } }
}`;
export const nodeAppeal = `mutation NodeAppeal($input: NodeAppealInput!) { nodeAppeal(input: $input) { ${errors} } }`;
export const nodeAppealDecide = `mutation NodeAppealDecide($input: NodeAppealDecideInput!) {
  nodeAppealDecide(input: $input) { ${errors} }
}`;
export const nodeHoursSet = `mutation NodeHours($input: NodeHoursSetInput!) { nodeHoursSet(input: $input) { ${errors} } }`;
