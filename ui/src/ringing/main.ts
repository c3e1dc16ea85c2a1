import { mount } from "svelte";

import Ringing from "./Ringing.svelte";

const target = document.getElementById("app");
if (target) mount(Ringing, { target });
