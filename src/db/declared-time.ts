// Values of columns declared `date`, `datetime` or `timestamp`, as RFC 3339 text. rqlite's driver
// does the same; text that is no time stays as it is stored (rqlite answers with year 1).

const layout =
  /^(\d{4})-(\d\d)-(\d\d)(?:[ T](\d{1,2}):(\d\d)(?::(\d\d)(?:[.,](\d+))?([+-]\d\d:\d\d)?)?)?$/;

const daysInMonth = (year: number, month: number): number =>
  new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();

const inRange = (value: number, min: number, max: number): boolean => value >= min && value <= max;

/** Nanoseconds at most, without trailing zeros. */
const fractionOf = (digits: string | undefined): string => {
  const kept = (digits ?? '').slice(0, 9).replace(/0+$/, '');
  return kept === '' ? '' : `.${kept}`;
};

const offsetOf = (offset: string | undefined): string =>
  offset === undefined || offset.slice(1) === '00:00' ? 'Z' : offset;

const offsetValid = (offset: string | undefined): boolean =>
  offset === undefined || (Number(offset.slice(1, 3)) <= 24 && Number(offset.slice(4)) < 60);

/** The text as RFC 3339, or as it is when it is no date or time. */
export const timeFromText = (text: string): string => {
  const match = layout.exec(text.endsWith('Z') ? text.slice(0, -1) : text);
  if (match === null) return text;
  const [, year = '', month = '', day = '', hour = '0', minute = '00', second = '00'] = match;
  const [fraction, offset] = match.slice(7);
  const valid =
    inRange(Number(month), 1, 12) &&
    inRange(Number(day), 1, daysInMonth(Number(year), Number(month))) &&
    Number(hour) < 24 &&
    Number(minute) < 60 &&
    Number(second) < 60 &&
    offsetValid(offset);
  if (!valid) return text;
  const clock = `${hour.padStart(2, '0')}:${minute}:${second}${fractionOf(fraction)}`;
  return `${year}-${month}-${day}T${clock}${offsetOf(offset)}`;
};

/** Beyond this an integer counts milliseconds, up to it seconds. */
const secondsMax = 1_000_000_000_000n;
/** Start of year 0 and end of year 9999, milliseconds since 1970: what RFC 3339 can say. */
const msMin = -62_167_219_200_000n;
const msMax = 253_402_300_799_999n;

/** A Unix time as RFC 3339; undefined outside the years 0 to 9999. */
export const timeFromInteger = (value: bigint): string | undefined => {
  const seconds = value >= -secondsMax && value <= secondsMax;
  const ms = seconds ? value * 1000n : value;
  if (ms < msMin || ms > msMax) return undefined;
  return new Date(Number(ms)).toISOString().replace(/\.?0*Z$/, 'Z');
};
