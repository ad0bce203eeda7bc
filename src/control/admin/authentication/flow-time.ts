/** How long a user may be away at an identity provider. */
export const FLOW_TTL_MS = 600_000;
