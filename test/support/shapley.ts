/** Shapley values by their definition, to compare the implementation with. */

/** All orders of the numbers 0 to count - 1. */
export function listOrders(count: number): number[][] {
  if (count === 0) return [[]];
  return listOrders(count - 1).flatMap((order) =>
    Array.from({ length: count }, (_, place) => order.toSpliced(place, 0, count - 1)),
  );
}

/**
 * The mean change of the value when each player joins, over all orders of the players.
 * @param values the value of each coalition: bit i of the index stands for player i
 */
export function averageMarginalEffects(values: readonly number[]): number[] {
  const players = Math.log2(values.length);
  const orders = listOrders(players);
  const sums = Array.from({ length: players }, () => 0);
  for (const order of orders) {
    let coalition = 0;
    for (const player of order) {
      const next = coalition | (1 << player);
      sums[player]! += values[next]! - values[coalition]!;
      coalition = next;
    }
  }
  return sums.map((sum) => sum / orders.length);
}
