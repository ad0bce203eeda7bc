/** Told of what becomes of a store. */
export type Log = (level: 'info' | 'warn', message: string, detail?: unknown) => void;
