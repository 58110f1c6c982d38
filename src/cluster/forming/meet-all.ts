// Meets whoever is at the places that discovery yields, all at once.
import type { Discovery, Place } from '#cluster/discovery/discovery.ts';
import type { MetAt } from './founding.ts';
import type { Introduction } from './introduction.ts';
import { type MeetContext, meetAt } from './meet.ts';

/** Who was met, and at which places nobody was. */
export interface Round {
  readonly met: readonly MetAt[];
  /** Sentences. */
  readonly unexplained: readonly string[];
}

/** Never rejects: what discovery cannot say is unexplained. */
export const meetAll = async (
  discovery: Discovery,
  own: Introduction,
  context: MeetContext,
): Promise<Round> => {
  let places: readonly Place[];
  try {
    places = await discovery.places();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { met: [], unexplained: [`the addresses cannot be looked up: ${why}`] };
  }
  const found = await Promise.all(places.map((place) => meetAtPlace(place, own, context)));
  return {
    met: found.filter((met) => typeof met !== 'string'),
    unexplained: found.filter((met) => typeof met === 'string'),
  };
};

const meetAtPlace = async (
  { text, addresses }: Place,
  own: Introduction,
  context: MeetContext,
): Promise<MetAt | string> => {
  let why = 'no such host is known here';
  for (const at of addresses) {
    const met = await meetAt(at.host, at.port, own, context);
    if (typeof met !== 'string') return { ...met, address: text, at };
    why = met;
  }
  return `${text}: ${why}`;
};
