"""What makes numbers of strings, categories and signals before a network begins."""

from phasewise.layers.preprocessing.category_encoding import CategoryEncoding as CategoryEncoding
from phasewise.layers.preprocessing.discretization import Discretization as Discretization
from phasewise.layers.preprocessing.hashed_crossing import HashedCrossing as HashedCrossing
from phasewise.layers.preprocessing.hashing import Hashing as Hashing
from phasewise.layers.preprocessing.integer_lookup import IntegerLookup as IntegerLookup
from phasewise.layers.preprocessing.mel_spectrogram import MelSpectrogram as MelSpectrogram
from phasewise.layers.preprocessing.pipeline import Pipeline as Pipeline
from phasewise.layers.preprocessing.stft_spectrogram import STFTSpectrogram as STFTSpectrogram
from phasewise.layers.preprocessing.string_lookup import StringLookup as StringLookup
from phasewise.layers.preprocessing.text_vectorization import TextVectorization as TextVectorization
