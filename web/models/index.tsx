import { render } from "preact";
import { ModelsPage } from "./models-page.tsx";

render(<ModelsPage />, document.getElementById("page") as HTMLElement);
