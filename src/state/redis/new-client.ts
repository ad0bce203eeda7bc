import { RedisClient } from '@redis/client';

/**
 * A client that is not connected yet. `createClient` makes a class with every command of Redis for each set of options that is not the last one: 50 to
 * 150 ms of CPU time for each of several servers.
 */
export const newClient = RedisClient.factory({});

export type Client = ReturnType<typeof newClient>;
