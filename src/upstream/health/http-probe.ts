import * as http from 'node:http';
import * as https from 'node:https';
import { targetAddress, withPort } from '../address.ts';
import { clientContext, clientTls, type ServiceTls } from '../tls.ts';
import { type CheckOutcome, failed, failedWith, PASSED, type Probe } from './probe.ts';
import type { HttpCheckSettings } from './schema.ts';
import { compileStatusSet } from './status-set.ts';
import { TextSearch } from './text-search.ts';

/** What a check needs to know of the service. */
export interface ProbedService {
  /** The `host` setting: `preserve`, `target`, or a fixed name. */
  readonly host: string;
  readonly tls?: ServiceTls | undefined;
}

/** How much of an answer's body is looked at: a check must not become a download. */
export const MAX_BODY_BYTES = 64 * 1024;

/**
 * Asks each target by a request of its own connection, so that a check does not pass because of one that was opened when all was well.
 * Redirects are not followed: they are answers with a status.
 */
export function httpProbe(settings: HttpCheckSettings, service: ProbedService): (url: string) => Probe {
  const passes = compileStatusSet(settings.status);
  const text = settings.body === undefined ? undefined : Buffer.from(settings.body);
  // Made once, here, where it may throw; without `tls` there is nothing in it that could be wrong, and most services do not need it.
  let context = service.tls === undefined ? undefined : clientContext(service.tls);
  const fixedHost = service.host === 'preserve' || service.host === 'target' ? undefined : service.host;

  return (url) => {
    const at = targetAddress(withPort(url, settings.port));
    const options: https.RequestOptions = {
      agent: false,
      host: at.host,
      port: at.port,
      method: settings.method,
      path: settings.path,
      headers: {
        'user-agent': 'portcullis-health-check',
        ...settings.headers,
        host: settings.host ?? fixedHost ?? at.authority,
      },
    };
    if (at.secure) {
      context ??= clientContext(undefined);
      Object.assign(options, clientTls(at.host, service.tls, context));
    }
    const request = at.secure ? https.request : http.request;
    return (settle) => new Check(request(options), passes, text, settle).cancel;
  };
}

/** One request and what comes of it. */
class Check {
  readonly #request: http.ClientRequest;
  readonly #passes: (status: number) => boolean;
  readonly #text: Buffer | undefined;
  readonly #settle: (outcome: CheckOutcome) => void;
  #answering = false;
  #over = false;

  constructor(
    request: http.ClientRequest,
    passes: (status: number) => boolean,
    text: Buffer | undefined,
    settle: (outcome: CheckOutcome) => void,
  ) {
    this.#request = request;
    this.#passes = passes;
    this.#text = text;
    this.#settle = settle;
    request.on('response', (response) => this.#answered(response));
    request.on('error', (error) => this.#end(failedWith(error)));
    request.on('close', () =>
      this.#end(failed(`the connection closed ${this.#answering ? 'within' : 'before'} the answer`)),
    );
    request.end();
  }

  readonly cancel = (): void => {
    this.#over = true;
    this.#request.destroy();
  };

  #answered(response: http.IncomingMessage): void {
    const status = response.statusCode ?? 0;
    if (!this.#passes(status)) return this.#end(failed(`status ${status}`));
    if (this.#text === undefined) return this.#end(PASSED);
    this.#answering = true;
    const search = new TextSearch(this.#text, MAX_BODY_BYTES);
    response.on('data', (data: Buffer) => {
      if (search.add(data)) this.#end(PASSED);
      else if (search.exhausted) this.#end(failed('the text is not in the first 64 KiB of the answer'));
    });
    response.on('end', () => this.#end(failed('the text is not in the answer')));
    // Told by the end of the request; without a listener it would be an error that nobody caught.
    response.on('error', () => {});
  }

  #end(outcome: CheckOutcome): void {
    if (this.#over) return;
    this.cancel();
    this.#settle(outcome);
  }
}
