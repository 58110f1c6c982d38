// Base32 (RFC 4648, 6) without padding: survives being read aloud, typed, and pasted by a double
// click.
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** The text of bytes. */
export const base32Of = (bytes: Uint8Array): string => {
  let text = '';
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xfff;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += alphabet.charAt((value >> bits) & 31);
    }
  }
  return bits === 0 ? text : text + alphabet.charAt((value << (5 - bits)) & 31);
};

/** The bytes of a text; undefined when it is none that {@link base32Of} makes. */
export const base32From = (text: string): Buffer | undefined => {
  const bytes = Buffer.alloc(Math.floor((text.length * 5) / 8));
  let at = 0;
  let bits = 0;
  let value = 0;
  for (const character of text) {
    const digit = alphabet.indexOf(character);
    if (digit < 0) return undefined;
    value = ((value << 5) | digit) & 0xfff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes[at++] = (value >> bits) & 0xff;
  }
  return base32Of(bytes) === text ? bytes : undefined;
};
