// Six words of a key's hash, for two people to compare by voice. Each holds 16 bits as a
// pronounceable row of consonants and vowels (Wilkerson, "Proquints", 2009): 96 bits in all.
const consonants = 'bdfghjklmnprstvz';
const vowels = 'aiou';
const words = 6;

const wordOf = (bits: number): string =>
  [
    consonants.charAt((bits >> 12) & 15),
    vowels.charAt((bits >> 10) & 3),
    consonants.charAt((bits >> 6) & 15),
    vowels.charAt((bits >> 4) & 3),
    consonants.charAt(bits & 15),
  ].join('');

/** The words of a pin (hexadecimal, at least 24 digits). */
export const keyWordsOf = (pin: string): string =>
  Array.from({ length: words }, (_, at) =>
    wordOf(Number.parseInt(pin.slice(at * 4, at * 4 + 4), 16)),
  ).join(' ');
