import { messageOf } from '../../lib/message-of.ts';
import { OutgoingError } from '../outgoing.ts';
import { ProviderRefused, RedemptionUnknown } from './provider.ts';

/** What is known of a refresh token that is being redeemed. */
export class Redemption {
  #isAsItWas = true;

  /** Sends the request that redeems it. */
  async send(ask: () => Promise<Response>): Promise<Response> {
    this.#isAsItWas = false;
    try {
      const answer = await ask();
      this.#isAsItWas = isRefusal(answer.status);
      return answer;
    } catch (error) {
      this.#isAsItWas = error instanceof OutgoingError && !error.isSent;
      throw error;
    }
  }

  /** What is to be thrown where this came of it. */
  failure(error: unknown): unknown {
    // Some refuse with a status of 200.
    const isRefused = error instanceof ProviderRefused && error.code !== 'invalid_response';
    return this.#isAsItWas || isRefused ? error : new RedemptionUnknown(messageOf(error));
  }
}

/** RFC 6749 section 5.2; 503 says that nothing was done (RFC 9110 section 15.6.4). With the others of 5xx, somebody behind may have done it. */
function isRefusal(status: number): boolean {
  return (status >= 400 && status < 500) || status === 503;
}
