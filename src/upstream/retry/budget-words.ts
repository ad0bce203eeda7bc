/** What the budget of retries counts in its window. */
export const REQUESTS = 0;
export const RETRIES = 1;
export const RETRY_WINDOW_KINDS = 2;
