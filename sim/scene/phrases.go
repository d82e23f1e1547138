package scene

import "twinlayer/sim/say"

// What scenes say; the texts are those of package say.
var (
	// the union view
	sayLayersOf       = say.P1("scene.layers-of")
	sayNothingThere   = say.P0("scene.nothing-there")
	sayNoStack        = say.P0("scene.no-stack")
	sayContainerSees  = say.P0("scene.container-sees")
	sayImageSees      = say.P0("scene.image-sees")
	sayContainerLayer = say.P0("scene.container-layer")
	sayInitLayer      = say.P0("scene.init-layer")
	sayImageLayer     = say.P1("scene.image-layer")
	sayWritable       = say.P1("scene.writable")
	sayReadOnly       = say.P1("scene.read-only")
	sayDirectory      = say.P0("scene.directory")
	saySpecial        = say.P0("scene.special")
	sayWhiteout       = say.P0("scene.whiteout")
	sayHidesOne       = say.P0("scene.hides-one")
	sayHidesAll       = say.P0("scene.hides-all")
	sayGone           = say.P0("scene.gone")
	sayHidden         = say.P0("scene.hidden")
	sayNew            = say.P0("scene.new")
	sayCopied         = say.P0("scene.copied")
	sayChanged        = say.P0("scene.changed")
	sayCopyUp         = say.P0("scene.copy-up")
	sayContainerNow   = say.P2("scene.container-now")
	sayImageNow       = say.P1("scene.image-now")
)
