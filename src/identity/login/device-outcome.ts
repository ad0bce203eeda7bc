import { type LocalAnswer, page } from './local-answer.ts';
import type { LoginPlace } from './login-place.ts';

/** How long a device waits for its user. */
export const DEVICE_TTL_MS = 600_000;

/** The device gets its answer with its next question. */
export async function settleDevice(
  place: LoginPlace,
  device: string,
  outcome: 'allowed' | 'denied',
): Promise<void> {
  await place.begun.begin(outcomeKey(place, device), outcome, DEVICE_TTL_MS);
}

export function outcomeKey({ begun }: LoginPlace, device: string): string {
  return begun.keyOf(`e:${device}`);
}

export function deviceDone(): LocalAnswer {
  return page({
    title: 'Signed in',
    text: 'The device is signed in. You may close this page and go back to it.',
  });
}
