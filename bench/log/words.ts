/** Texts as people and agents write them, as far as a compressor can tell: words of a vocabulary, frequent and rare ones. One seed, one text. */

/** Words that English text of some pages uses; their lengths as there. */
const VOCABULARY = 4_000;

export class Words {
  private state: number;
  private readonly vocabulary: readonly string[];

  constructor(seed: number) {
    this.state = seed;
    this.vocabulary = Array.from({ length: VOCABULARY }, () => this.word());
  }

  /** Uniform in [0, 1): mulberry32. */
  unit(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  between(min: number, max: number): number {
    return min + Math.floor(this.unit() * (max - min + 1));
  }

  hex(digits: number): string {
    return Array.from({ length: digits }, () => this.between(0, 15).toString(16)).join('');
  }

  /** The first words of the vocabulary, which come most often. */
  frequent(count: number): string[] {
    return this.vocabulary.slice(0, count);
  }

  /** The rank of a word falls with its frequency, as Zipf found. */
  text(min: number, max: number): string {
    const pick = (): string => this.vocabulary[Math.floor(VOCABULARY ** this.unit()) - 1] ?? '';
    return Array.from({ length: this.between(min, max) }, pick).join(' ');
  }

  private word(): string {
    return Array.from({ length: this.between(2, 9) }, () => String.fromCodePoint(97 + this.between(0, 25))).join('');
  }
}
