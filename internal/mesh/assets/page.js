"use strict";

// The page is drawn by the server. This draws its charts, and takes over what
// has changed from a fresh copy of the page.
(() => {
	const refreshEvery = 5000;
	const plots = new Map();

	const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

	function options(element) {
		const axis = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 } };
		const line = (label, name) => ({
			label, stroke: colour(name), fill: colour(name + "-ground"), width: 2,
			value: (_, value) => value ?? "–",
		});
		return {
			width: element.clientWidth,
			height: 190,
			scales: { y: { range: (_, low, high) => [0, Math.max(4, Math.ceil(high * 1.15))] } },
			series: [{ label: "time", value: "{YYYY}-{MM}-{DD} {HH}:{mm}:{ss}" }, line("good", "--ok"), line("failed", "--fail")],
			axes: [{ ...axis, values: "{HH}:{mm}:{ss}", space: 80 },
				{ ...axis, size: 40, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000] }],
		};
	}

	function draw(element) {
		const data = JSON.parse(element.dataset.samples);
		const plot = plots.get(element.id);
		if (plot) {
			plot.setData(data);
			return;
		}
		plots.set(element.id, new uPlot(options(element), data, element));
	}

	function drawAll() { document.querySelectorAll(".chart").forEach(draw); }

	function drawAnew() {
		plots.forEach((plot) => plot.destroy());
		plots.clear();
		drawAll();
	}

	function take(fresh) {
		for (const old of document.querySelectorAll("[data-live]")) {
			const now = fresh.getElementById(old.id);
			if (now && now.innerHTML !== old.innerHTML) {
				old.replaceWith(document.adoptNode(now));
			}
		}
		for (const chart of document.querySelectorAll(".chart")) {
			const now = fresh.getElementById(chart.id);
			if (now && now.dataset.samples !== chart.dataset.samples) {
				chart.dataset.samples = now.dataset.samples;
				draw(chart);
			}
		}
	}

	async function refresh() {
		const contact = document.getElementById("contact");
		try {
			const response = await fetch("/", { cache: "no-store" });
			if (!response.ok) {
				throw new Error(response.statusText);
			}
			take(new DOMParser().parseFromString(await response.text(), "text/html"));
			contact.hidden = true;
		} catch {
			if (contact.hidden) {
				contact.textContent = "No answer from the mesh since " + new Date().toLocaleTimeString();
				contact.hidden = false;
			}
		}
		setTimeout(refresh, refreshEvery);
	}

	drawAll();
	new ResizeObserver(() => plots.forEach((plot, id) => {
		plot.setSize({ width: document.getElementById(id).clientWidth, height: 190 });
	})).observe(document.querySelector(".charts"));
	matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAnew);
	setTimeout(refresh, refreshEvery);
})();
