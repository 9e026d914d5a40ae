import "../components/configure-zod.ts";
import { render } from "preact";
import { ServicePage } from "./service-page.tsx";

render(<ServicePage />, document.getElementById("page") as HTMLElement);
