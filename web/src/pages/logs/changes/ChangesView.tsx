export function ChangesView({ session }: { session: string }) {
  return <p>{session}</p>;
}
