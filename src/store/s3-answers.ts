// The few things that are read out of S3's answers. No XML parser: names of elements are fixed,
// what they hold is text, and whatever looks otherwise is as good as not there.
import type { StoredObject } from './backup-store.ts';

const entities: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
};

const decoded = (text: string): string =>
  text.replaceAll(/&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|([a-z]+));/g, (whole, ten, hex, name) => {
    if (name !== undefined) return entities[String(name)] ?? whole;
    const point = ten === undefined ? Number.parseInt(String(hex), 16) : Number(ten);
    return point <= 0x10ffff ? String.fromCodePoint(point) : whole;
  });

/** The text of the first element of this name that holds no others; undefined: there is none. */
export const elementText = (xml: string, name: string): string | undefined => {
  const found = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
  return found === undefined ? undefined : decoded(found);
};

/** One page of a listing (ListObjectsV2). */
export interface ListPage {
  /** Names with their prefix. */
  readonly objects: readonly StoredObject[];
  /** Where the next page begins; undefined: this is the last. */
  readonly next: string | undefined;
}

/** Reads a page; what has no name or size is left out. */
export const listPageFrom = (xml: string): ListPage => {
  const objects = xml
    .split('<Contents>')
    .slice(1)
    .flatMap((part): readonly StoredObject[] => {
      const [name, size] = [elementText(part, 'Key'), elementText(part, 'Size')];
      const bytes = Number(size);
      const sound = name !== undefined && size !== undefined && Number.isSafeInteger(bytes);
      return sound ? [{ name, bytes }] : [];
    });
  const more = elementText(xml, 'IsTruncated') === 'true';
  return { objects, next: more ? elementText(xml, 'NextContinuationToken') : undefined };
};

/** What an error says, if this is one: also a 200 may be, at the end of an upload in parts. */
export const errorIn = (
  xml: string,
): { readonly code: string; readonly message: string } | undefined => {
  if (!xml.includes('<Error>')) return undefined;
  const code = elementText(xml, 'Code') ?? 'Unknown';
  return { code, message: elementText(xml, 'Message') ?? '' };
};
