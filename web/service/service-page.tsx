import { Header } from "../components/header.tsx";

export function ServicePage() {
  return (
    <>
      <Header current="/service" />
      <main class="page">
        <h1>Service</h1>
      </main>
    </>
  );
}
