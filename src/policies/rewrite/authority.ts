/** Whether a text may stand as Host: letters, digits, `.`, `-`, `_`, brackets of an IPv6 address, a port. At most 255 + port. */
export function isAuthority(text: string): boolean {
  if (text.length === 0 || text.length > 261) return false;
  for (let i = 0; i < text.length; i++) if (!isHostCharacter(text.charCodeAt(i))) return false;
  return SHAPE.test(text);
}

const SHAPE = /^(?:[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?$/;

function isHostCharacter(code: number): boolean {
  return (
    (code >= 0x61 && code <= 0x7a) ||
    (code >= 0x41 && code <= 0x5a) ||
    (code >= 0x2d && code <= 0x2e) ||
    (code >= 0x30 && code <= 0x3a) ||
    code === 0x5b ||
    code === 0x5d ||
    code === 0x5f
  );
}
