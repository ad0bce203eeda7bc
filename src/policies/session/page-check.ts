import type { AllowedOrigins } from '../../http/allowed-origins.ts';
import { isHarmless, isSentByAllowedPage } from '../../http/sending-page.ts';
import type { RequestView } from '../../policy/contract.ts';

/** What a cookie is worth in a request: nothing is known of who sent one that may change something, or another page did. */
export type CookieWorth = 'counts' | 'ignored' | 'forged';

/**
 * Browsers send cookies whoever made the request. It counts where a page of the own origin or an allowed one did, or the user went to a page
 * themselves. A harmless request of another page is one of nobody; one that may change something is refused.
 */
export function cookieWorth(request: RequestView, origins: AllowedOrigins): CookieWorth {
  const isAllowed = isSentByAllowedPage(request, origins, false);
  if (isAllowed === true) return 'counts';
  if (!isHarmless(request)) return 'forged';
  const { fields } = request;
  // Without Origin and Referer: a link that was followed in a browser that does not tell more, or a program.
  if (isAllowed === undefined) return 'counts';
  if (!fields.has('sec-fetch-site')) return fields.has('origin') ? 'ignored' : 'counts';
  // A link on another site: the answer is shown to the user alone. In a frame, another page would be around it.
  const isLink = fields.get('sec-fetch-mode') === 'navigate' && fields.get('sec-fetch-dest') === 'document';
  return isLink ? 'counts' : 'ignored';
}
