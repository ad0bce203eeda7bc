/** By which a function service is told whose function is called. Nobody but the policy sets it. */
export const ORGANIZATION_FIELD = 'Portcullis-Organization';
