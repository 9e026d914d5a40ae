import { Header } from "../components/header.tsx";

export function ModelsPage() {
  return (
    <>
      <Header current="/models" />
      <main class="page">
        <h1>Models</h1>
      </main>
    </>
  );
}
