import { binFeature } from "./bins.ts";
import { addLeaves, packGradients, updateHuberWeights } from "./gradients.ts";
import { clearHistogram, type HistogramKernel, histogramKernel } from "./histogram.ts";
import { randomAt } from "./random.ts";
import { assignChildren, type SplitRule, splitRows } from "./split-rows.ts";
import { BLOCK, rangeOf, type Workspace } from "./workspace.ts";

/** What all threads do at the same time, each on its own rows. */
export const COMMANDS = ["bin", "arrange", "begin", "split", "splitLast", "finish"] as const;
export type Command = (typeof COMMANDS)[number];

/** One thread's part of the work: a range of rows, which it keeps sorted by node. */
export class RowPartition {
  private readonly space: Workspace;
  private readonly thread: number;
  private readonly first: number;
  private readonly last: number;
  /** This share's rows: those of each node are neighbours, at `begins[node]` to `ends[node]`. */
  private readonly rows: Int32Array;
  private readonly spare: Int32Array;
  private readonly begins: Int32Array;
  private readonly ends: Int32Array;
  private readonly columns: readonly Uint8Array[];
  private readonly kernel: HistogramKernel;
  private sampled: number;

  constructor(space: Workspace, thread: number) {
    this.space = space;
    this.thread = thread;
    const blocks = Math.ceil(space.rows / BLOCK);
    this.first = BLOCK * Math.floor((thread * blocks) / space.threads);
    this.last = Math.min(space.rows, BLOCK * Math.floor(((thread + 1) * blocks) / space.threads));
    this.rows = new Int32Array(this.last - this.first);
    this.spare = new Int32Array(this.last - this.first);
    this.sampled = this.last - this.first;
    this.begins = new Int32Array(space.growing.left.length);
    this.ends = new Int32Array(space.growing.left.length);
    this.columns = Array.from({ length: space.features }, (_, feature) =>
      space.codesByColumn.subarray(feature * space.rows, (feature + 1) * space.rows),
    );
    this.kernel = histogramKernel(space.growing.columns.length, space.features);
  }

  run(command: Command): void {
    if (command === "bin") this.bin();
    else if (command === "arrange") this.arrange();
    else if (command === "begin") this.begin();
    else if (command === "split") this.split();
    else if (command === "splitLast") this.splitLast();
    else this.finish();
  }

  /** Cuts this thread's share of the features into bins. */
  private bin(): void {
    const { features, threads, values, maxBin, cuts } = this.space;
    for (let feature = this.thread; feature < features; feature += threads) {
      binFeature(values[feature]!, maxBin, this.columns[feature]!, feature, cuts);
    }
  }

  /** Fills the row-major codes from the column-major ones. */
  private arrange(): void {
    const { features, codesByRow } = this.space;
    this.columns.forEach((codes, feature) => {
      let at = this.first * features + feature;
      for (let row = this.first; row < this.last; row++, at += features) codesByRow[at] = codes[row]!;
    });
  }

  /** Packs the gradients of the coming tree, draws its rows and builds the root's histogram. */
  private begin(): void {
    const { rows, first, last } = this;
    const { margins, labels, weights, packed, packing, subsample, growing, rootSums } = this.space;
    const [scale, seed] = growing.round;
    const sum = packGradients(margins, labels, weights, packed, first, last, scale!, packing);
    if (subsample < 1) rootSums[this.thread] = this.draw(seed!, subsample);
    else {
      for (let i = 0; i < rows.length; i++) rows[i] = first + i;
      rootSums[this.thread] = sum;
    }
    this.begins[0] = 0;
    this.ends[0] = this.sampled;
    this.build(0);
  }

  /** Puts the rows that are drawn first; returns their packed sum. */
  private draw(seed: number, share: number): number {
    const { rows, first, last } = this;
    const { packed } = this.space;
    const threshold = share * 2 ** 32;
    let sampled = 0;
    let left = rows.length;
    let sum = 0;
    for (let row = first; row < last; row++) {
      if (randomAt(seed, row) < threshold) {
        rows[sampled++] = row;
        sum += packed[row]!;
      } else rows[--left] = row;
    }
    this.sampled = sampled;
    return sum;
  }

  private build(node: number): void {
    const { codesByRow, packed, growing, cuts } = this.space;
    const histogram = this.space.histograms[this.thread]![growing.slot[node]!]!;
    clearHistogram(histogram, rangeOf(growing, node), growing.columns, cuts.hasMissing);
    const begin = this.begins[node]!;
    const end = this.ends[node]!;
    this.kernel(this.rows, begin, end, codesByRow, growing.columns, packed, histogram);
  }

  /** Parts the rows of the nodes to do, and builds the histogram of one child of each. */
  private split(): void {
    const { todo, feature, left, built } = this.space.growing;
    for (let i = 1; i <= todo[0]!; i++) {
      const node = todo[i]!;
      const begin = this.begins[node]!;
      const end = this.ends[node]!;
      const codes = this.columns[feature[node]!]!;
      const middle = splitRows(this.rows, begin, end, codes, this.parting(node), this.spare);
      const child = left[node]!;
      this.begins[child] = begin;
      this.ends[child] = middle;
      this.begins[child + 1] = middle;
      this.ends[child + 1] = end;
      this.build(built[node]!);
    }
  }

  /** Notes the leaf of the rows of the nodes to do, whose children are all leaves. */
  private splitLast(): void {
    const { todo, feature, left } = this.space.growing;
    for (let i = 1; i <= todo[0]!; i++) {
      const node = todo[i]!;
      const codes = this.columns[feature[node]!]!;
      const [begin, end] = [this.begins[node]!, this.ends[node]!];
      assignChildren(this.rows, begin, end, codes, this.parting(node), left[node]!, this.space.leaves);
    }
  }

  private parting(node: number): SplitRule {
    const { shift, limit } = this.space.growing;
    return { shift: shift[node]!, limit: limit[node]! };
  }

  /** Adds the leaves to the predictions, and sums the gradients that follow. The nodes to do are early leaves. */
  private finish(): void {
    const { todo, value } = this.space.growing;
    const { leaves, margins, labels, weights, reweighs, givenWeights, blockSums, growing } = this.space;
    for (let i = 1; i <= todo[0]!; i++) {
      const node = todo[i]!;
      for (let at = this.begins[node]!; at < this.ends[node]!; at++) leaves[this.rows[at]!] = node;
    }
    if (this.space.subsample < 1) this.place();
    for (let begin = this.first; begin < this.last; begin += BLOCK) {
      const end = Math.min(begin + BLOCK, this.last);
      let sum = addLeaves(margins, labels, weights, leaves, value, begin, end);
      if (reweighs)
        sum = updateHuberWeights(margins, labels, givenWeights, weights!, growing.round[2]!, begin, end);
      blockSums[begin / BLOCK] = sum;
    }
  }

  /** Finds the leaf of the rows that were not drawn. */
  private place(): void {
    const { codesByRow, features, leaves, growing } = this.space;
    const { feature, shift, limit, left } = growing;
    for (let at = this.sampled; at < this.rows.length; at++) {
      const row = this.rows[at]!;
      let node = 0;
      for (let child = left[0]!; child > 0; child = left[node]!) {
        const code = codesByRow[row * features + feature[node]!]!;
        node = child + 1 - ((((code + shift[node]!) & 255) - limit[node]!) >>> 31);
      }
      leaves[row] = node;
    }
  }
}
