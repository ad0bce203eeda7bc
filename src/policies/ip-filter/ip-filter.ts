import { AddressReader } from '../../lib/cidr.ts';
import type { Answer, Exchange, PolicyContext, PolicyHooks } from '../../policy/contract.ts';
import type { IpFilterOptions } from './schema.ts';
import { type Found, Side } from './side.ts';

/** RFC 9110 section 15.5.4. */
const FORBIDDEN_ADDRESS: Answer = {
  status: 403,
  code: 'forbidden_address',
  detail: 'Requests from your address are not accepted here.',
};
const FORBIDDEN_COUNTRY: Answer = {
  status: 403,
  code: 'forbidden_country',
  detail: 'Requests from your country are not accepted here.',
};

export class IpFilter implements PolicyHooks {
  readonly #allow: Side | undefined;
  readonly #deny: Side | undefined;
  readonly #exempts: boolean;
  readonly #report: boolean;
  readonly #context: Pick<PolicyContext, 'count'>;
  readonly #address = new AddressReader();

  /** Throws an Error when there is no list of a name. */
  constructor(
    { allow, deny, prefer, report }: IpFilterOptions,
    context: Pick<PolicyContext, 'count' | 'addressList'>,
  ) {
    const listNamed = (name: string) => context.addressList(name);
    this.#allow = allow && new Side(allow, listNamed);
    this.#deny = deny && new Side(deny, listNamed);
    this.#exempts = prefer === 'allow';
    this.#report = report;
    this.#context = context;
  }

  onRequest(exchange: Exchange): Answer | undefined {
    const answer = this.#judge(exchange.client.address);
    if (answer === undefined || !this.#report) return answer;
    this.#context.count(answer === FORBIDDEN_COUNTRY ? 'reported_country' : 'reported_address');
    return undefined;
  }

  #judge(client: string): Answer | undefined {
    const address = this.#address;
    // Where nobody knows where a request comes from, nobody knows whether it may.
    if (!address.read(client)) return FORBIDDEN_ADDRESS;
    const allow = this.#allow;
    const denied = this.#deny?.find(address);
    if (denied !== undefined)
      return this.#exempts && allow?.find(address) !== undefined ? undefined : refusal(denied);
    if (allow === undefined || this.#exempts || allow.find(address) !== undefined) return undefined;
    return refusal(allow.ofCountries ? 'countries' : 'addresses');
  }
}

function refusal(because: NonNullable<Found>): Answer {
  return because === 'countries' ? FORBIDDEN_COUNTRY : FORBIDDEN_ADDRESS;
}
