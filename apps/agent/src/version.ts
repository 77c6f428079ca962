/** Version of the agent, told to the platform on join. */
export const AGENT_VERSION = '0.1.0';
