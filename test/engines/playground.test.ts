import { playedScaling } from "./contract/played-scaling.ts";
import { tellStories } from "./contract/stories.ts";

tellStories({
  who: "the playground's autoscaler",
  scaling: () => playedScaling,
  pushes: 5,
  crashes: 2,
  isConcurrent: true,
});
