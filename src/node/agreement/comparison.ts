// What the leader knows of its followers' outcome chains, from the notes in their answers to
// heartbeats, and who differs by them.
import { type ChainMark, type Compared, OutcomeMarks } from './marks.ts';
import type { OutcomeNote } from './note-codec.ts';
import { type Relation, type Verdict, verdictOf } from './verdict.ts';

/** What is known of one follower. */
interface Heard {
  readonly marks: OutcomeMarks;
  appliedIndex: number;
  quarantined: boolean;
}

/** One node as `/consistency` shows it. */
export interface ComparedNode {
  readonly id: string;
  readonly appliedIndex: number;
  /** The last index at which it was compared with the leader; 0: never. */
  readonly index: number;
  /** Its chain there. */
  readonly chain: string;
  /** Undefined: not known. */
  readonly agrees: boolean | undefined;
  readonly quarantined: boolean;
}

/** See the head of this file. */
export class Comparison {
  /** This node's own chain. */
  readonly own = new OutcomeMarks();
  readonly #heard = new Map<string, Heard>();

  /** A follower told how it stands. */
  hear(name: string, { appliedIndex, marks, quarantined }: OutcomeNote): void {
    const known = this.#heard.get(name) ?? {
      marks: new OutcomeMarks(),
      appliedIndex: 0,
      quarantined: false,
    };
    // Another database is in use there: what the old one did says nothing of it.
    if (known.quarantined && !quarantined) known.marks.forget();
    known.marks.forgetBehind(appliedIndex);
    for (const mark of marks) known.marks.add(mark);
    known.appliedIndex = appliedIndex;
    known.quarantined = quarantined;
    this.#heard.set(name, known);
  }

  /** This node leads anew, or no more: what was heard before may be of long ago. */
  forgetOthers(): void {
    this.#heard.clear();
  }

  /** How far a follower's database is; 0 when it has not told. */
  appliedIndexOf(name: string): number {
    return this.#heard.get(name)?.appliedIndex ?? 0;
  }

  /** Whether a follower says that its data is not served. */
  isQuarantined(name: string): boolean {
    return this.#heard.get(name)?.quarantined ?? false;
  }

  /** Who differs. Those that are quarantined are known to, and are not asked about again. */
  verdict(self: string, voters: readonly string[], all: readonly string[]): Verdict {
    return verdictOf({
      self,
      voters,
      others: all.filter((name) => name !== self && !this.isQuarantined(name)),
      relation: (left, right) => this.#relation(self, left, right),
    });
  }

  /** One node, for people. */
  describe(self: string, name: string): ComparedNode {
    const last = (marks: OutcomeMarks): ChainMark => marks.last ?? { index: 0, chain: '' };
    if (name === self) {
      const { index, chain } = last(this.own);
      const own = { id: name, appliedIndex: index, index, chain };
      return { ...own, agrees: true, quarantined: false };
    }
    const heard = this.#heard.get(name);
    const compared: Compared = heard?.marks.compare(this.own) ?? { kind: 'unknown' };
    const index = compared.kind === 'unknown' ? 0 : compared.index;
    return {
      id: name,
      appliedIndex: heard?.appliedIndex ?? 0,
      index,
      chain: heard?.marks.at(index) ?? '',
      agrees: compared.kind === 'unknown' ? undefined : compared.kind === 'same',
      quarantined: heard?.quarantined ?? false,
    };
  }

  #relation(self: string, left: string, right: string): Relation {
    const marksOf = (name: string): OutcomeMarks | undefined =>
      name === self ? this.own : this.#heard.get(name)?.marks;
    const [a, b] = [marksOf(left), marksOf(right)];
    return a === undefined || b === undefined ? 'unknown' : a.compare(b).kind;
  }
}
