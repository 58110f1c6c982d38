// Which engine each node computes with (src/db/engine-fingerprint.ts). Nodes of another
// architecture, or whose arithmetic gives other bits, would end with other data: they are not
// heard. Another version of the engine is shown and allowed, or no cluster could ever be upgraded.
import type { Admission, PeerIdentity } from '#transport/transport.ts';

/** What two nodes must have in common. */
const deciding = ['arch', 'floats'] as const;

const valuesOf = (engine: string): ReadonlyMap<string, string> =>
  new Map(
    engine.split(' ').map((pair) => {
      const at = pair.indexOf('=');
      return [pair.slice(0, at), pair.slice(at + 1)] as const;
    }),
  );

/** Why a node with this engine is not heard; undefined: it is. A node that tells nothing is old. */
export const engineRefusal = (own: string, other: string): string | undefined => {
  const [ours, theirs] = [valuesOf(own), valuesOf(other)];
  for (const name of deciding) {
    const [here, there] = [ours.get(name), theirs.get(name)];
    if (here === undefined || there === undefined || here === there) continue;
    return `its engine has ${name} ${there}, this node's ${here}: they would compute different data`;
  }
  return undefined;
};

/** The engines of a node and its peers. */
export class Engines {
  /** This node's. */
  readonly own: string;
  readonly #heard = new Map<string, string>();

  constructor(own: string) {
    this.own = own;
  }

  /** What peers told, by name, as far as it is another one than here. */
  get others(): ReadonlyMap<string, string> {
    return new Map([...this.#heard].filter(([, engine]) => engine !== this.own));
  }

  /** What a peer's engine makes of its admission. */
  admit({ name, engine }: PeerIdentity, admission: Admission): Admission {
    if (admission.kind === 'refused') return admission;
    const reason = engineRefusal(this.own, engine);
    if (reason !== undefined) return { kind: 'refused', reason };
    if (engine !== '') this.#heard.set(name, engine);
    return admission;
  }
}
