import type { AllowedOrigins } from '../../http/allowed-origins.ts';
import type { Fields } from '../../http/fields.ts';
import { originOfUrl } from '../../http/own-origin.ts';
import { isHarmless, isSentByAllowedPage } from '../../http/sending-page.ts';
import type { RequestView } from '../../policy/contract.ts';

/** What a cookie is worth in a request: nothing is known of who sent one that may change something, or another page did. */
type CookieWorth = 'counts' | 'ignored' | 'forged';

/**
 * Browsers send cookies whoever made the request. It counts where a page of the own origin or an allowed one did, or the user went to a page
 * themselves. A harmless request of another page is one of nobody; one that may change something is refused.
 */
function cookieWorth(request: RequestView, origins: AllowedOrigins): CookieWorth {
  const { fields } = request;
  const site = fields.get('sec-fetch-site');
  if (site === 'same-origin') return 'counts';
  // Without Origin: a link that was followed in a browser that does not tell more, or a program.
  if (site === undefined && isHarmless(request) && !fields.has('origin')) return 'counts';
  if (isSentByAllowedPage(request, origins, false) === true) return 'counts';
  if (!isHarmless(request)) return 'forged';
  if (site === undefined) return 'ignored';
  // Frames and pictures of a page have no Origin, which no page can leave out of what has one.
  if (!fields.has('origin') && isReferredBy(fields, origins)) return 'counts';
  // A link on another site: the answer is shown to the user alone. In a frame, another page would be around it.
  const isLink = fields.get('sec-fetch-mode') === 'navigate' && fields.get('sec-fetch-dest') === 'document';
  return isLink ? 'counts' : 'ignored';
}

function isReferredBy(fields: Fields, origins: AllowedOrigins): boolean {
  const origin = originOfUrl(fields.get('referer') ?? '');
  return origin !== undefined && origins.has(origin);
}

/** What a session is worth that was found by this. */
export function worthOf(
  request: RequestView,
  by: 'cookie' | 'bearer' | 'basic',
  origins: AllowedOrigins,
): CookieWorth {
  switch (by) {
    case 'cookie':
      return cookieWorth(request, origins);
    case 'bearer':
      return 'counts';
    // Browsers remember passwords and add them on their own; programs such as git say nothing of pages.
    case 'basic':
      return isSentByAllowedPage(request, origins, false) === false ? 'forged' : 'counts';
  }
}
