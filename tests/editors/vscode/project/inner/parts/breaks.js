export function breaks(order) {
  return order.total;
}
