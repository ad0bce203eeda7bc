import type { Endpoint } from '../../endpoint.ts';
import { AUDIT_ENDPOINTS } from './audit.ts';
import { MEMBERSHIP_ENDPOINTS } from './memberships.ts';
import { SERVICE_ACCOUNT_ENDPOINTS } from './service-accounts.ts';
import { TOKEN_ENDPOINTS } from './tokens.ts';
import { USER_ENDPOINTS } from './users.ts';
import { WHOAMI_ENDPOINTS } from './whoami.ts';

/** Accounts, their roles and tokens, and what they did. */
export const ACCOUNT_ENDPOINTS: readonly Endpoint[] = [
  ...WHOAMI_ENDPOINTS,
  ...TOKEN_ENDPOINTS,
  ...USER_ENDPOINTS,
  ...SERVICE_ACCOUNT_ENDPOINTS,
  ...MEMBERSHIP_ENDPOINTS,
  ...AUDIT_ENDPOINTS,
];
